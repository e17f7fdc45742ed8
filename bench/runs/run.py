"""Runs of many tasks: how much faster they are side by side, and what a very large one costs.

    python3 bench/runs/run.py speed target/release/atelier [--tasks 20] [--latency-ms 500]
        [--jobs 1,2,8] [--rounds 3] [--processors 0,1] [--trace]
    python3 bench/runs/run.py crowd target/release/atelier [--tasks 10000] [--events 1000000]
        [--left 4] [--rounds 5] [--keep FOLDER]
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import resource
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from standin import StandIn  # noqa: E402

# Seconds after which a program that should have answered long ago is given up.
WAIT_S = 600


# Interpreters themselves, not the scripts of version managers before them, which take three times as
# long to start: what is measured is Atelier.
PATH = "/usr/local/bin:/usr/bin:/bin"


def environment(folder):
    return {"PATH": PATH, "HOME": str(folder), "ATELIER_KEY": "sk-stand-in",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@a"}


def at(event):
    return datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()


def states(events):
    """For each task the moments at which it came to each state, the last of each."""
    came = collections.defaultdict(dict)
    for event in events:
        if event["type"] == "task.state":
            came[event["task"]][event["to"]] = at(event)
    return came


def in_one_phase(fixture):
    """Puts all steps of a fixture into its first phase: a phase without dependencies follows the one
    before it, and what is measured are tasks that wait for nothing but the first."""
    phases = sorted(fixture.glob("phase-*.json"), key=lambda path: int(path.stem.split("-")[1]))
    steps = []
    for path in phases:
        for step in json.loads(path.read_text())["steps"]:
            number = f"1.{len(steps) + 1}"
            if step["number"] != number:
                (fixture / "steps" / step["number"]).rename(fixture / "steps" / number)
            steps.append({**step, "number": number})
        path.unlink()
    phases[0].write_text(json.dumps({"number": 1, "steps": steps}))
    plan = json.loads((fixture / "plan.json").read_text())
    plan["phases"] = plan["phases"][:1]
    (fixture / "plan.json").write_text(json.dumps(plan))


class Speed:
    """The same independent tasks with more and more of them at once."""

    def __init__(self, given):
        self.given = given
        self.binary = pathlib.Path(given.atelier).resolve()
        self.testkit = self.binary.parent / "atelier-testkit"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="atelier-runs-"))
        self.fixture = self.folder / "fixture"
        subprocess.run([self.testkit, "wide", "--tasks", str(given.tasks), "--into", self.fixture],
                       check=True, capture_output=True)
        in_one_phase(self.fixture)

    def once(self, url, jobs):
        project = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        argv = [self.binary, "--provider", "openai", "--model", "standin-large", "--base-url", url,
                "--json", "build", "--jobs", str(jobs), "-f", self.fixture / "requirement.md"]
        if self.given.processors:
            argv = ["taskset", "-c", self.given.processors, *argv]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(argv, cwd=project, env=environment(self.folder),
                              capture_output=True, text=True, timeout=WAIT_S)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stderr[-2000:]}")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        events = [event for event in events if "at" in event]
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        shutil.rmtree(project)
        return self.figures(events, cpu)

    def figures(self, events, cpu):
        """Seconds from the first independent task's beginning to the last one's end; the first task
        of the fixture, on which all others wait, and the plan before it are the same at any width."""
        came = states(events)
        first = min(came, key=lambda task: came[task]["running"])
        rest = [moments for task, moments in came.items() if task != first]
        wide = max(one["done"] for one in rest) - min(one["running"] for one in rest)
        parts = {
            name: statistics.median(one[to] - one[since] for one in rest)
            for name, since, to in [
                ("ask", "running", "verifying"), ("check", "verifying", "merging"),
                ("merge", "merging", "done"),
            ]
        }
        if self.given.trace:
            self.trace(events)
        return wide, at(events[-1]) - at(events[0]), cpu, parts

    def trace(self, events):
        begin = at(events[0])
        for event in events:
            said = event.get("to") or event.get("name") or event.get("duration_ms") or ""
            print(f"    {at(event) - begin:8.3f} {event['type']:20} {event.get('task') or '':6} {said}")

    def show(self):
        widths = [int(jobs) for jobs in self.given.jobs.split(",")]
        rows = collections.defaultdict(list)
        try:
            with StandIn(self.testkit, self.fixture, self.given.latency_ms,
                         "--form", "whole") as server:
                # In turn, so that what else the machine does meets all of them.
                for _ in range(self.given.rounds):
                    for jobs in widths:
                        rows[jobs].append(self.once(server.url, jobs))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        base = statistics.median(row[0] for row in rows[widths[0]])
        for jobs in widths:
            wide, whole, cpu = (statistics.median(row[at] for row in rows[jobs])
                                for at in range(3))
            parts = {name: statistics.median(row[3][name] for row in rows[jobs])
                     for name in rows[jobs][0][3]}
            said = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in parts.items())
            print(f"{jobs:3} jobs: {self.given.tasks} tasks in {wide:7.2f} s, {base / wide:5.2f} x; "
                  f"whole run {whole:.2f} s, CPU {cpu:.2f} s; a task: {said}")


class Crowd:
    """A run of very many tasks and events that was stopped before its end."""

    def __init__(self, given):
        self.given = given
        self.binary = pathlib.Path(given.atelier).resolve()
        self.folder = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="atelier-crowd-"))
        self.project = self.folder / "project"
        self.env = {**environment(self.folder), "ATELIER_PROVIDER": "openai",
                    "ATELIER_MODEL": "standin-large", "ATELIER_BASE_URL": "http://127.0.0.1:9"}

    def git(self, *args):
        done = subprocess.run(["git", *args], cwd=self.project, env=self.env, check=True,
                              capture_output=True, text=True)
        return done.stdout.strip()

    def make(self):
        if self.project.exists():
            return
        self.project.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        (self.project / "NOTES.md").write_text("# Notes\n")
        self.git("add", "NOTES.md")
        self.git("commit", "-q", "-m", "chore: notes")
        commit = self.git("rev-parse", "HEAD")
        given = self.given
        crowd = self.binary.parent / "examples/crowd"
        made = subprocess.run([crowd, self.project, str(given.tasks), str(given.events),
                               str(given.left), commit], check=True, capture_output=True, text=True)
        print(made.stderr.strip())
        self.git("branch", f"atelier/{made.stdout.strip()}")

    def measure(self, *args, until=None):
        """Seconds until a command has ended, or has said a word, seconds of a processor, and megabytes
        it took at most."""
        out = self.folder / "said"
        with open(out, "w") as said:
            began = time.perf_counter()
            child = subprocess.Popen([self.binary, *args], cwd=self.project, env=self.env,
                                     stdout=subprocess.PIPE if until else said, stderr=said,
                                     text=True)
            if until:
                for line in child.stdout:
                    if until in line:
                        break
                else:
                    sys.exit(f"{args} never said {until}:\n{out.read_text()[-2000:]}")
                seconds = time.perf_counter() - began
                status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
                memory = int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024
                child.kill()
                _, _, usage = os.wait4(child.pid, 0)
                return seconds, usage.ru_utime + usage.ru_stime, memory
            _, code, usage = os.wait4(child.pid, 0)
            if code != 0:
                sys.exit(f"{args} failed:\n{out.read_text()[-2000:]}")
            seconds = time.perf_counter() - began
            return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def show(self):
        self.make()
        state = self.project / ".atelier/state.db"
        print(f"{self.given.tasks} tasks, {self.given.events} events: {state.stat().st_size / 1e6:.0f} MB")
        commands = [
            (["status"], None), (["--json", "status"], None), (["log", "--last", "20"], None),
            (["cost"], None), (["--json", "resume"], '"attempt.started"'),
        ]
        for args, until in commands:
            rows = [self.measure(*args, until=until) for _ in range(self.given.rounds)]
            seconds, cpu, memory = (statistics.median(row[at] for row in rows) for at in range(3))
            print(f"{' '.join(args):18} {seconds * 1000:8.1f} ms, CPU {cpu * 1000:8.1f} ms, "
                  f"{memory:6.1f} MB")
        if not self.given.keep:
            shutil.rmtree(self.folder)


def main():
    options = argparse.ArgumentParser()
    kinds = options.add_subparsers(dest="kind", required=True)
    speed = kinds.add_parser("speed")
    speed.add_argument("atelier")
    speed.add_argument("--tasks", type=int, default=20)
    speed.add_argument("--latency-ms", type=int, default=500)
    speed.add_argument("--jobs", default="1,2,8")
    speed.add_argument("--rounds", type=int, default=3)
    speed.add_argument("--processors", default="")
    speed.add_argument("--trace", action="store_true")
    crowd = kinds.add_parser("crowd")
    crowd.add_argument("atelier")
    crowd.add_argument("--tasks", type=int, default=10_000)
    crowd.add_argument("--events", type=int, default=1_000_000)
    crowd.add_argument("--left", type=int, default=4)
    crowd.add_argument("--rounds", type=int, default=5)
    crowd.add_argument("--keep", default="")
    given = options.parse_args()
    (Speed if given.kind == "speed" else Crowd)(given).show()


if __name__ == "__main__":
    main()
