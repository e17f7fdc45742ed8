"""Build engines side by side: the same steps for each, in the same minutes on the same machine.

    python3 bench/engine/run.py target/release/atelier [--steps 10000] [--deep 1000]
        [--folder /dev/shm] [--only "atelier none,ninja"] [--json rows.json]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, "target", "tools", "builders", "bin")
JOBS = 4
# Runs of what is over in a moment.
ROUNDS = 5
# Seconds between two looks at a running engine.
LOOK_S = 0.001


class Project:
    """Steps that touch one file each; in a chain, each reads what the one before it made."""

    def __init__(self, folder, count, chain):
        self.folder, self.count, self.chain = folder, count, chain
        os.makedirs(os.path.join(folder, "src"))
        os.makedirs(os.path.join(folder, "out"))
        for step in range(count):
            self.edit(step, "first")

    def edit(self, step, text):
        with open(os.path.join(self.folder, "src", str(step)), "w") as file:
            file.write(f"{step} {text}\n")

    def inputs(self, step):
        before = [f"out/{step - 1}"] if self.chain and step else []
        return [f"src/{step}", *before]

    def clear(self):
        """Removes what the steps made; the folder stays, as in a working copy."""
        for step in range(self.count):
            path = os.path.join(self.folder, "out", str(step))
            if os.path.exists(path):
                os.remove(path)

    def made(self):
        return len(os.listdir(os.path.join(self.folder, "out")))


def peak(pid):
    """The most memory a process has had so far, which no figure for ended processes says: theirs
    begins with that of whoever started them."""
    try:
        with open(f"/proc/{pid}/status") as status:
            lines = [line for line in status if line.startswith("VmHWM")]
    except OSError:
        return 0
    return int(lines[0].split()[1]) / 1024 if lines else 0


class Tool:
    """One build engine. Each run is a process of its own."""

    name = ""
    needs = ""
    env = {}

    def __init__(self, program):
        self.program = program

    def version(self):
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return said.stdout.split("\n")[0]

    def write(self, project):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def run(self, project):
        """Seconds, seconds of CPU with all children, megabytes of the engine itself."""
        env = {**os.environ, **self.env}
        with open(os.path.join(project.folder, "said"), "w") as said:
            start = time.perf_counter()
            child = subprocess.Popen(
                self.command(), cwd=project.folder, env=env, stdout=said, stderr=said
            )
            memory = 0
            while True:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                memory = max(memory, peak(child.pid))
                time.sleep(LOOK_S)
            wall = time.perf_counter() - start
        if status != 0:
            with open(os.path.join(project.folder, "said")) as said:
                sys.exit(f"{self.name} failed with {status}:\n{said.read()[-2000:]}")
        return wall, usage.ru_utime + usage.ru_stime, memory

    def executed(self, project):
        """How many steps the last run executed; None where the engine does not say."""
        return None


class Atelier(Tool):
    name = "atelier"

    def __init__(self, program, level):
        super().__init__(program)
        self.name = f"atelier {level}"
        self.env = {"ATELIER_SANDBOX": level}

    def write(self, project):
        steps = [
            {
                "name": str(step),
                "kind": "build",
                "argv": ["touch", f"out/{step}"],
                "inputs": project.inputs(step),
                "outputs": [f"out/{step}"],
            }
            for step in range(project.count)
        ]
        with open(os.path.join(project.folder, "steps.json"), "w") as file:
            json.dump(steps, file)

    def command(self):
        return [self.program, "check", "--steps", "steps.json", "--jobs", str(JOBS), "--json"]

    def executed(self, project):
        with open(os.path.join(project.folder, "said")) as said:
            events = [json.loads(line) for line in said]
        over = [event["step"] for event in events if event["type"] == "step_over"]
        return sum(step["verdict"] == "succeeded" for step in over)


class Ninja(Tool):
    name = "ninja"

    def write(self, project):
        with open(os.path.join(project.folder, "build.ninja"), "w") as file:
            file.write("rule touch\n  command = touch $out\n")
            for step in range(project.count):
                file.write(f"build out/{step}: touch {' '.join(project.inputs(step))}\n")

    def command(self):
        return [self.program, f"-j{JOBS}"]


class Make(Tool):
    name = "make"

    def write(self, project):
        with open(os.path.join(project.folder, "Makefile"), "w") as file:
            file.write(f"all: {' '.join(f'out/{step}' for step in range(project.count))}\n")
            for step in range(project.count):
                file.write(f"out/{step}: {' '.join(project.inputs(step))}\n\t@touch $@\n")

    def command(self):
        return [self.program, f"-j{JOBS}", "all"]


class Just(Tool):
    name = "just"

    def write(self, project):
        names = [f"s{step}" for step in range(project.count)]
        with open(os.path.join(project.folder, "justfile"), "w") as file:
            file.write(f"[parallel]\nall: {' '.join(names)}\n")
            for step, name in enumerate(names):
                before = names[step - 1] if project.chain and step else ""
                file.write(f"@{name}: {before}\n    touch out/{step}\n")

    def command(self):
        return [self.program, "all"]


class Task(Tool):
    name = "task"

    def version(self):
        return "task " + super().version()

    def write(self, project):
        with open(os.path.join(project.folder, "Taskfile.yml"), "w") as file:
            file.write("version: '3'\nsilent: true\ntasks:\n  default:\n    deps:\n")
            file.writelines(f"      - s{step}\n" for step in range(project.count))
            for step in range(project.count):
                before = f"    deps: [s{step - 1}]\n" if project.chain and step else ""
                sources = ", ".join(project.inputs(step))
                file.write(f"  s{step}:\n{before}    sources: [{sources}]\n")
                file.write(f"    generates: [out/{step}]\n    cmds: [touch out/{step}]\n")

    def command(self):
        return [self.program, "-C", str(JOBS)]


def wide(tool, project):
    """Cold, unchanged, one edit, all outputs removed."""
    yield "cold", [tool.run(project)]
    yield "unchanged", [tool.run(project) for _ in range(ROUNDS)]
    edits = []
    for round_ in range(ROUNDS):
        project.edit(7, f"edit {round_}")
        edits.append(tool.run(project))
    yield "one source edited", edits
    project.clear()
    yield "outputs removed", [tool.run(project)]


def deep(tool, project):
    yield "chain, cold", [tool.run(project)]
    edits = []
    for round_ in range(ROUNDS):
        project.edit(project.count // 2, f"edit {round_}")
        edits.append(tool.run(project))
    yield "chain, middle edited", edits


def rows(tool, args):
    for shape, count, chain in ((wide, args.steps, False), (deep, args.deep, True)):
        folder = tempfile.mkdtemp(dir=args.folder)
        try:
            project = Project(folder, count, chain)
            tool.write(project)
            for what, runs in shape(tool, project):
                if project.made() != count:
                    sys.exit(f"{tool.name}, {what}: {project.made()} of {count} outputs")
                yield {
                    "engine": tool.name,
                    "steps": count,
                    "what": what,
                    "wall_s": statistics.median(run[0] for run in runs),
                    "best_s": min(run[0] for run in runs),
                    "cpu_s": statistics.median(run[1] for run in runs),
                    "rss_mb": max(run[2] for run in runs),
                    "executed": tool.executed(project),
                }
        finally:
            shutil.rmtree(folder)


def found(name):
    own = os.path.join(TOOLS, name)
    return own if os.path.exists(own) else shutil.which(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("atelier")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--deep", type=int, default=1_000)
    parser.add_argument("--folder", default="/dev/shm")
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    args = parser.parse_args()
    program = os.path.abspath(args.atelier)
    tools = [Atelier(program, level) for level in ("none", "light", "strong")]
    for kind in (Ninja, Make, Just, Task):
        path = found(kind.name)
        if path:
            tools.append(kind(path))
        else:
            print(f"{kind.name} is not here")
    only = [name for name in args.only.split(",") if name]
    tools = [tool for tool in tools if not only or any(tool.name.startswith(n) for n in only)]
    for tool in tools:
        print(f"{tool.name}: {tool.version()}")
    print("\n| engine | steps | what | wall s | best s | CPU s | MB | executed |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    all_rows = []
    for tool in tools:
        for row in rows(tool, args):
            all_rows.append(row)
            executed = "" if row["executed"] is None else row["executed"]
            print(
                f"| {row['engine']} | {row['steps']} | {row['what']} | {row['wall_s']:.3f} | "
                f"{row['best_s']:.3f} | {row['cpu_s']:.3f} | {row['rss_mb']:.0f} | {executed} |",
                flush=True,
            )
    if args.json:
        with open(args.json, "w") as file:
            json.dump(all_rows, file, indent=1)


if __name__ == "__main__":
    main()
