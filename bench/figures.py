#!/usr/bin/env python3
"""Measures the figures of a release build: size, start, memory, and the overhead of a run.

Usage: cargo build --release && python3 bench/figures.py [--tasks 20] [--latency-ms 200] [--runs 5]

Every figure is the median of the runs. CPU is user plus system time of the process and all its
children; the overhead is the wall time of a run over the time its asks and build steps took.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from standin import StandIn

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "target/release/atelier"
TESTKIT = ROOT / "target/release/atelier-testkit"


def cpu_ms(argv, cwd, env):
    """CPU milliseconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, cwd=cwd, env=env, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def median_cpu(argv, cwd, env, runs):
    return statistics.median(cpu_ms(argv, cwd, env) for _ in range(runs))


def busy_seconds(events):
    """Seconds in which at least one ask was under way, and seconds of build steps and checks."""
    asks, steps = [], 0.0
    for event in events:
        at = datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()
        if event["type"] == "ask.finished":
            asks.append((at - event["latency_ms"] / 1000, at))
        if event["type"] == "check.finished":
            steps += event["duration_ms"] / 1000
    covered, end = 0.0, 0.0
    for begin, finish in sorted(asks):
        covered += max(0.0, finish - max(begin, end))
        end = max(end, finish)
    return covered, steps


def chain(folder, env, tasks, latency_ms):
    """Wall seconds of a run over the seconds of its asks and steps, and its peak memory in MB."""
    fixture = folder / "fixture"
    subprocess.run([TESTKIT, "chain", "--tasks", str(tasks), "--into", fixture], check=True,
                   capture_output=True)
    project = pathlib.Path(tempfile.mkdtemp(dir=folder))
    with StandIn(TESTKIT, fixture, latency_ms) as server:
        argv = [BINARY, "--provider", "openai", "--model", "stand-in", "--base-url", server.url,
                "--json", "build", "-f", fixture / "requirement.md"]
        begin = time.monotonic()
        process = subprocess.Popen(argv, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
        peak, lines = 0, []
        for line in process.stdout:
            lines.append(json.loads(line))
            status = pathlib.Path(f"/proc/{process.pid}/status")
            if status.exists():
                found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
                peak = max(peak, int(found.group(1)) if found else 0)
        code = process.wait()
        wall = time.monotonic() - begin
    if code != 0:
        sys.exit(f"the run ended with exit code {code}")
    asks, steps = busy_seconds(lines)
    status = [BINARY, "status"]
    return wall, asks, steps, peak / 1024, median_cpu(status, project, env, 5), \
        cpu_ms(argv, project, env)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tasks", type=int, default=20)
    options.add_argument("--latency-ms", type=int, default=200)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    for binary in (BINARY, TESTKIT):
        if not binary.exists():
            sys.exit(f"{binary} is missing: cargo build --release")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="atelier-figures-"))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "ATELIER_KEY": "sk-stand-in"}
    try:
        print(f"binary                {BINARY.stat().st_size / 1e6:8.1f} MB")
        version = median_cpu([BINARY, "--version"], folder, env, 20)
        print(f"--version             {version:8.1f} ms CPU")
        rows = [chain(folder, env, given.tasks, given.latency_ms) for _ in range(given.runs)]
        wall, asks, steps, peak, status, again = (statistics.median(row) for row in zip(*rows))
        ratio = statistics.median(row[0] / (row[1] + row[2]) for row in rows)
        print(f"status                {status:8.1f} ms CPU")
        print(f"unchanged re-run      {again:8.1f} ms CPU")
        print(f"peak memory of a run  {peak:8.1f} MB")
        print(f"{given.tasks} tasks in a chain: wall {wall:.2f} s, asks {asks:.2f} s, steps "
              f"{steps:.2f} s, ratio {ratio:.3f}")
        packages = (ROOT / "Cargo.lock").read_text().count("[[package]]")
        print(f"packages in Cargo.lock {packages:7d}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
