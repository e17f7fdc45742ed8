"""Projects of every kind that can be installed here, built and tested for real by `atelier check`.

    python3 conformance/recipes.py PROGRAM [CASE ...]

Each folder of fixtures/recipes that has a counts.json is written out, checked, and its tests must be
counted exactly: how many passed, failed and were skipped. Everything but the tests must succeed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = os.path.join(ROOT, "fixtures", "recipes")
TOOLS = os.path.join(ROOT, "target", "tools")
SECONDS_MAX = 600
# Fewer kinds would not show that the recipes of other languages hold.
CASES_MIN = 15


def search_path():
    own = [
        os.path.join(TOOLS, "bin"),
        os.path.join(TOOLS, "javascript", "node_modules", ".bin"),
        *[
            os.path.join(folder, "ziglang")
            for folder, _, _ in os.walk(os.path.join(TOOLS, "zig", "lib"))
            if folder.endswith("site-packages")
        ],
    ]
    return os.pathsep.join([*own, os.environ["PATH"]])


def write(case, folder):
    with open(os.path.join(CASES, case, "tree.txt")) as file:
        parts = file.read().split("--- ")
    for part in filter(None, parts):
        name, text = part.split("\n", 1)
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)


def check(program, case):
    with open(os.path.join(CASES, case, "counts.json")) as file:
        wanted = json.load(file)
    with tempfile.TemporaryDirectory(prefix="atelier-recipe-") as home:
        folder = os.path.join(home, "project")
        os.makedirs(folder)
        write(case, folder)
        environment = {**os.environ, "PATH": search_path()}
        done = subprocess.run(
            [program, "--json", "check"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [event["step"] for event in events if event["type"] == "step_over"]
    tests = [step["tests"] or {} for step in steps if step["kind"] == "test"]
    counted = {word: sum(each.get(word, 0) for each in tests) for word in wanted}
    named = sum(len(each.get("failures", [])) for each in tests)
    broken = [
        f"{step['step']}: {step['failure']}"
        for step in steps
        if step["kind"] != "test" and step["verdict"] != "succeeded"
    ]
    if not tests:
        broken.append("no test step")
    if counted != wanted:
        broken.append(f"counted {counted}, not {wanted}")
    if named != wanted["failed"]:
        broken.append(f"{named} failures are named, not {wanted['failed']}")
    if done.returncode != (13 if wanted["failed"] else 0):
        broken.append(f"exit code {done.returncode}: {done.stderr[-400:].strip()}")
    return broken


def main():
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    cases = sorted(
        case for case in os.listdir(CASES) if os.path.exists(os.path.join(CASES, case, "counts.json"))
    )
    if len(cases) < CASES_MIN:
        sys.exit(f"only {len(cases)} projects can be built")
    failed = 0
    for case in names or cases:
        start = time.monotonic()
        broken = check(program, case)
        failed += bool(broken)
        word = "; ".join(broken) if broken else "counted exactly"
        print(f"{case:16} {time.monotonic() - start:6.1f} s  {word}", flush=True)
    print(f"{len(names or cases) - failed} of {len(names or cases)} projects")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
