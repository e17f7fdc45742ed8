"""Gateways side by side: what each adds to a request, in the same minutes on the same machine.

    python3 bench/gateway/run.py target/release/atelier [--only atelier,portkey] [--seconds 3]
                                 [--json FILE]

The provider and the clients are `gateway-bench` (beside this file), which is built first. Peers are
taken from target/tools, where `conformance/install.py` puts them; who is not there is left out.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOLS = os.path.join(ROOT, "target", "tools")
TARGET = os.path.join(ROOT, "target", "bench-gateway")
BENCH = os.path.join(TARGET, "release", "gateway-bench")
CONNECTIONS = (1, 16, 64)
# Questions whose answers are looked for in the store, asked slowly enough that each is kept.
KEPT_QUESTIONS = 400
KEPT_PAUSE_MS = 6
START_SECONDS_MAX = 120
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Gateway:
    """A gateway under way: where it listens, how it is asked, and its process."""

    name = ""
    path = "/v1/chat/completions"
    model = "bench"
    headers = ""
    streams = True

    def __init__(self, mock, folder=None):
        self.mock = mock
        self.port = free_port()
        self.folder = folder or tempfile.mkdtemp(prefix="gateway-bench-")
        self.began = time.monotonic()
        self.process = None
        self.start()
        self.ready_ms = self.wait()

    def spawn(self, command, **environment):
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": self.folder, **environment},
            stdout=subprocess.DEVNULL,
            stderr=open(os.path.join(self.folder, "errors"), "w"),
            start_new_session=True,
        )

    def wait(self):
        body = {"model": self.model, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
        headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
        lines = (line.split(": ", 1) for line in self.headers.split("\r\n") if line)
        headers |= dict(lines)
        url = f"http://127.0.0.1:{self.port}{self.path}"
        while time.monotonic() - self.began < START_SECONDS_MAX:
            try:
                request = urllib.request.Request(url, json.dumps(body).encode(), headers)
                urllib.request.urlopen(request, timeout=30).read()
                return (time.monotonic() - self.began) * 1000
            except OSError as error:
                problem = getattr(error, "read", lambda: b"")()
                time.sleep(0.002)
                if problem:
                    time.sleep(0.2)
        said = open(os.path.join(self.folder, "errors")).read()[-1500:]
        raise RuntimeError(f"{self.name} does not answer: {problem!r} {said}")

    def processes(self):
        """The process and all below it."""
        children = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    fields = open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                children.setdefault(int(fields[1]), []).append(int(name))
        found, waiting = [], [self.process.pid]
        while waiting:
            one = waiting.pop()
            found.append(one)
            waiting += children.get(one, [])
        return found

    def cpu_ms(self):
        total = 0
        for process in self.processes():
            try:
                fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                continue
        return total * 1000 / TICKS

    def memory_mb(self):
        total = 0
        for process in self.processes():
            try:
                lines = open(f"/proc/{process}/status").read().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return total / 1024

    def stop(self, keep=False):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Direct(Gateway):
    """Nobody between: the floor of every figure."""

    name = "direct"

    def start(self):
        self.port = self.mock
        self.process = None

    def cpu_ms(self):
        return 0

    def memory_mb(self):
        return 0

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Atelier(Gateway):
    name = "atelier"
    binary = ""
    options = ("--budget", "100000")
    headers = "cache-control: max-age=60\r\n"

    def start(self):
        with open(os.path.join(self.folder, "atelier.toml"), "w") as file:
            file.write(
                f'provider = "openai"\nmodel = "bench"\nbase_url = "http://127.0.0.1:{self.mock}"\n'
                "[prices.bench]\ninput = 1.0\noutput = 2.0\n"
            )
        listen = f"127.0.0.1:{self.port}"
        command = [self.binary, "gateway", "--listen", listen, *self.options]
        self.spawn(command, OPENAI_API_KEY="sk-bench-upstream")


class LiteLlm(Gateway):
    name = "litellm"

    def start(self):
        path = os.path.join(self.folder, "config.yaml")
        with open(path, "w") as file:
            file.write(
                "model_list:\n  - model_name: bench\n    litellm_params:\n"
                "      model: openai/bench\n      api_key: sk-bench\n"
                f"      api_base: http://127.0.0.1:{self.mock}/v1\n"
            )
        program = os.path.join(TOOLS, "litellm", "bin", "litellm")
        command = [program, "--config", path, "--port", str(self.port), "--host", "127.0.0.1"]
        self.spawn(command, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR", **UNLOCKED)


class Portkey(Gateway):
    name = "portkey"
    # Version 1.15.2 answers every stream with 500 on this Node; nothing is patched here.
    streams = False

    def start(self):
        self.headers = (
            "x-portkey-provider: openai\r\n"
            f"x-portkey-custom-host: http://127.0.0.1:{self.mock}/v1\r\n"
        )
        package = os.path.join(TOOLS, "portkey", "node_modules", "@portkey-ai", "gateway")
        script = os.path.join(package, "build", "start-server.js")
        self.spawn(
            ["node", script, f"--port={self.port}", "--headless"],
            TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost",
        )


class TensorZero(Gateway):
    name = "tensorzero"
    path = "/openai/v1/chat/completions"
    model = "tensorzero::model_name::bench"

    def start(self):
        path = os.path.join(self.folder, "tensorzero.toml")
        with open(path, "w") as file:
            file.write(
                "[gateway]\nobservability.enabled = false\n"
                '[models.bench]\nrouting = ["mock"]\n[models.bench.providers.mock]\n'
                f'type = "openai"\nmodel_name = "bench"\napi_base = "http://127.0.0.1:{self.mock}/v1"\n'
                'api_key_location = "none"\n'
            )
        python = os.path.join(TOOLS, "tensorzero", "bin", "python")
        told = os.path.join(self.folder, "port")
        script = os.path.join(HERE, "tensorzero_peer.py")
        self.spawn([python, script, path, told])
        while not os.path.exists(told) and time.monotonic() - self.began < START_SECONDS_MAX:
            if self.process.poll() is not None:
                raise RuntimeError(open(os.path.join(self.folder, "errors")).read()[-1500:])
            time.sleep(0.005)
        self.port = int(open(told).read())


# LiteLLM does not start without a key of its own unless it is told that this is meant.
UNLOCKED = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}

GATEWAYS = [Direct, Atelier, TensorZero, Portkey, LiteLlm]


def load(gateway, connections, seconds, form, sort, **environment):
    command = [BENCH, "load", f"127.0.0.1:{gateway.port}", gateway.path, str(connections)]
    command += [str(seconds), form, sort, gateway.model]
    before = gateway.cpu_ms()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"BENCH_HEADERS": gateway.headers} | environment,
        timeout=120 + 3 * seconds,
    )
    spent = gateway.cpu_ms() - before
    if done.returncode:
        return {"problem": done.stderr[-300:]}
    row = json.loads(done.stdout)
    # The processor also worked for the second before anything was counted.
    asked = row["requests"] * (seconds + 1) / seconds
    row["cpu_ms"] = spent / asked if asked else None
    row["form"], row["sort"] = form, sort
    if row["failed"]:
        row["problem"] = done.stderr[-300:]
    return row


def hits(gateway):
    """Answers that it had already."""
    url = f"http://127.0.0.1:{gateway.port}/metrics"
    lines = urllib.request.urlopen(url, timeout=30).read().decode().splitlines()
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines if 'source="cache"' in line)


def stored(mock):
    """Answers out of the store: those of a gateway that has ended, in the order they were given."""
    before = Atelier(mock)
    count = str(KEPT_QUESTIONS)
    load(before, 1, 60, "whole", count, BENCH_PAUSE_MS=str(KEPT_PAUSE_MS))
    time.sleep(1)
    before.stop(keep=True)
    gateway = Atelier(mock, before.folder)
    rows = [load(gateway, 1, 60, "whole", count) for _ in range(2)]
    if hits(gateway) < 2 * KEPT_QUESTIONS:
        raise RuntimeError("answers that were to be in the store were not")
    gateway.stop()
    for row, sort in zip(rows, ("stored", "again")):
        # So few requests are less than the kernel's clock of processor time tells.
        row["sort"], row["cpu_ms"] = sort, None
    return rows


def measure(kind, mock, seconds):
    gateway = kind(mock)
    time.sleep(1)
    found = {"name": kind.name, "ready_ms": gateway.ready_ms, "idle_mb": gateway.memory_mb()}
    rows = []
    for connections in CONNECTIONS:
        rows.append(load(gateway, connections, seconds, "whole", "unique"))
    if gateway.streams:
        for connections in CONNECTIONS:
            rows.append(load(gateway, connections, seconds, "stream", "unique"))
    if kind is Atelier:
        rows.append(load(gateway, 1, seconds, "whole", "same"))
        rows.append(load(gateway, 64, seconds, "whole", "same"))
    found["rows"], found["loaded_mb"] = rows, gateway.memory_mb()
    gateway.stop()
    if kind is Atelier:
        found["rows"] += stored(mock)
    return found


# Where the answers of a row come from, if not from the provider.
KEPT = {"same": ", kept", "stored": ", out of the store", "again": ", the same again"}


def table(found):
    lines = [
        "| gateway | asks | connections | requests/s | first p50 ms | p50 ms | p99 ms | CPU ms |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        for row in one["rows"]:
            if "requests" not in row:
                lines.append(f"| {one['name']} | | | | | | | {row['problem'][:80]!r} |")
                continue
            asks = row["form"] + KEPT.get(row["sort"], "")
            cpu = "" if row["cpu_ms"] is None else f"{row['cpu_ms']:.3f}"
            lines.append(
                f"| {one['name']} | {asks} | {row['connections']} | {row['per_second']:.0f} | "
                f"{row['first_p50_ms']:.3f} | {row['p50_ms']:.3f} | {row['p99_ms']:.2f} | "
                f"{cpu} |"
            )
    lines += ["", "| gateway | start to first answer | idle MB | after the load MB |"]
    lines += ["|---|--:|--:|--:|"]
    for one in found:
        if one["name"] != "direct":
            memory = f"{one['idle_mb']:.0f} | {one['loaded_mb']:.0f}"
            lines.append(f"| {one['name']} | {one['ready_ms']:.0f} ms | {memory} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--only", default="direct,atelier,tensorzero,portkey,litellm")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    Atelier.binary = os.path.abspath(arguments.binary)
    build = ["cargo", "build", "--quiet", "--release", "--target-dir", TARGET]
    subprocess.run(build, cwd=HERE, check=True)
    mock = subprocess.Popen([BENCH, "mock", "0"], stdout=subprocess.PIPE, text=True)
    port = int(mock.stdout.readline().rsplit(":", 1)[1])
    found = []
    for kind in GATEWAYS:
        if kind.name not in arguments.only.split(","):
            continue
        try:
            found.append(measure(kind, port, arguments.seconds))
        except (OSError, RuntimeError) as error:
            print(f"{kind.name} is left out: {error}", file=sys.stderr)
    mock.kill()
    print(table(found))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
