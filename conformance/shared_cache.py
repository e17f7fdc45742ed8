"""Results of steps cross between machines through a cache server of others, and are never wrong.

    python3 conformance/shared_cache.py PROGRAM
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVER = os.path.join(ROOT, "target", "tools", "buildgrid", "bin", "bgd")
STEPS = 40
CONTENTS = 1000
START_SECONDS_MAX = 60

CONFIGURATION = """
server:
  - !channel
    address: "127.0.0.1:{port}"
    insecure-mode: true
instances:
  - name: "{instance}"
    storages:
      - !disk-storage &disk
        path: {folder}
    caches:
      - !lru-action-cache &results
        storage: *disk
        max-cached-refs: 100000
        allow-updates: true
    services:
      - !action-cache
        cache: *results
      - !cas
        storage: *disk
      - !bytestream
        storage: *disk
"""


def sh(name, script, **more):
    return {"name": name, "kind": "build", "argv": ["sh", "-c", script], **more}


def steps():
    """Files, folders with links and programs in them, a large file, a step that only succeeds."""
    made = []
    for number in range(STEPS):
        before = [f"out/{number - 1}.txt"] if number % 4 else []
        script = f"mkdir -p out; cat in.txt {' '.join(before)} | sha256sum > out/{number}.txt"
        path = f"out/{number}.txt"
        made.append(sh(f"file{number}", script, inputs=["in.txt", *before], outputs=[path]))
    tree = "mkdir -p tree/a/b; cp in.txt tree/a/b/c; ln -s b tree/a/link; echo 'exit 0' > tree/run; chmod +x tree/run"
    made.append(sh("folder", tree, inputs=["in.txt"], outputs=["tree/"]))
    large = "head -c 9000000 /dev/zero | tr '\\0' x > large.bin; cat in.txt >> large.bin"
    made.append(sh("large", large, inputs=["in.txt"], outputs=["large.bin"]))
    many = f"mkdir -p many; i=0; while [ $i -lt {CONTENTS} ]; do echo $i > many/$i; i=$((i+1)); done"
    made.append(sh("many", many, inputs=["in.txt"], outputs=["many/"]))
    made.append(sh("silent", "test -s in.txt", inputs=["in.txt"]))
    made.append(sh("fails", "echo broken; exit 3", inputs=["in.txt"]))
    return made


class Cache:
    """A BuildGrid that keeps its contents in a folder."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = os.path.join(folder, "contents")
        file = os.path.join(folder, "server.yml")
        with open(file, "w") as out:
            out.write(CONFIGURATION.format(port=self.port, folder=self.folder, instance="main"))
        self.log = open(os.path.join(folder, "server.log"), "w")
        words = [SERVER, "server", "start", file]
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"the cache server does not start: see {self.log.name}")
                time.sleep(0.1)

    def address(self):
        return f"grpc://127.0.0.1:{self.port}/main"

    def contents(self):
        for folder, _, names in os.walk(self.folder):
            yield from (os.path.join(folder, name) for name in names)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Machine:
    """A home and a project of its own."""

    def __init__(self, program, folder, name, words="one"):
        self.program = program
        self.home = os.path.join(folder, name)
        self.project = os.path.join(self.home, f"project-of-{name}")
        os.makedirs(self.project)
        with open(os.path.join(self.project, "in.txt"), "w") as out:
            out.write(words)
        with open(os.path.join(self.home, "steps.json"), "w") as out:
            json.dump(steps(), out)

    def check(self, **settings):
        environment = {"PATH": os.environ["PATH"], "HOME": self.home, "GIT_CONFIG_NOSYSTEM": "1"}
        environment.update({f"ATELIER_{key}".upper(): value for key, value in settings.items()})
        words = [self.program, "check", "--steps", "../steps.json", "--keep-going", "--json"]
        done = subprocess.run(
            words, cwd=self.project, env=environment, capture_output=True, text=True
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        over = [one["step"] for one in told if one["type"] == "step_over"]
        self.errors = done.stderr
        self.verdicts = {one["step"]: one["verdict"] for one in over}
        self.whys = {one["step"]: one["why"] for one in over}
        self.took_ms = told[-1].get("took_ms")
        assert done.returncode == 13, (done.returncode, done.stderr, told[-1])
        return self

    def executed(self):
        return sorted(name for name, verdict in self.verdicts.items() if verdict == "succeeded")

    def files(self):
        found = {}
        for folder, folders, names in os.walk(self.project):
            folders[:] = [name for name in folders if name != ".atelier"]
            for name in names + folders:
                path = os.path.join(folder, name)
                at = os.path.relpath(path, self.project)
                if os.path.islink(path):
                    found[at] = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, "rb") as file:
                        found[at] = (os.access(path, os.X_OK), file.read())
        return found


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(folder)
        try:
            cross(program, folder, cache)
        finally:
            cache.stop()


def cross(program, folder, cache):
    there = {"shared_cache": cache.address()}
    everything = len(steps()) - 1

    def machine(name, **settings):
        return Machine(program, folder, name).check(**settings)

    # Who may not write leaves nothing.
    quiet = machine("quiet", **there)
    assert len(quiet.executed()) == everything, quiet.verdicts
    assert not list(cache.contents()), "a result was left without permission"

    # One machine fills, another has it all, byte by byte; what failed is never shared.
    first = machine("first", **there, shared_cache_write="true")
    assert len(first.executed()) == everything, first.verdicts
    second = machine("second", **there)
    assert second.executed() == [], second.verdicts
    assert second.verdicts["fails"] == "failed", second.verdicts
    assert second.files() == first.files()
    assert "another machine" in second.whys["folder"], second.whys
    assert second.check().executed() == [], "what was brought stands without the cache, too"

    # Every content is damaged in turn: nothing is believed, everything is made anew and right.
    for path in list(cache.contents()):
        with open(path, "r+b") as file:
            byte = file.read(1)
            file.seek(0)
            file.write(bytes([byte[0] ^ 1]) if byte else b"x")
    damaged = machine("damaged", **there)
    assert damaged.files() == first.files()
    assert len(damaged.executed()) == everything, damaged.executed()

    # Contents that are gone.
    for at, path in enumerate(list(cache.contents())):
        if at % 2:
            os.remove(path)
    gone = machine("gone", **there)
    assert gone.files() == first.files()

    # A server that is away costs a warning, once, and no result.
    cache.stop()
    away = machine("away", **there, shared_cache_write="true")
    assert len(away.executed()) == everything, away.verdicts
    assert away.files() == first.files()

    # What the project's own file says of a cache does not count.
    own = Machine(program, folder, "own")
    with open(os.path.join(own.project, "atelier.toml"), "w") as out:
        out.write('shared_cache = "no address at all"\n')
    assert len(own.check().executed()) == everything
    print(
        f"{everything} results and {CONTENTS} contents of a folder crossed through BuildGrid; "
        f"filling took {first.took_ms} ms, bringing {second.took_ms} ms"
    )


if __name__ == "__main__":
    main()
