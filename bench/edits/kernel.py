"""Atelier's edit kernel as a bench drives it: many replies through one process."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "target/bench-edits/peers"


def build(profile="debug", target="target"):
    """Builds the driver and says where it is."""
    argv = ["cargo", "build", "--quiet", "--package", "atelier-edit", "--example", "batch"]
    argv += ["--target-dir", target, "--profile", "dev" if profile == "debug" else profile]
    subprocess.run(argv, cwd=ROOT, check=True)
    return ROOT / target / profile / "examples/batch"


class Kernel:
    """The batch example of atelier-edit: one reply in, one answer out."""

    def __init__(self, built=None):
        self.process = subprocess.Popen([built or build()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, case):
        self.process.stdin.write(json.dumps(case).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def parse(self, reply):
        """What the reply wants changed, or why it is refused."""
        return self.ask({"reply": reply})

    def apply(self, reply, files, links=(), times=1):
        """The answer, its `files` as (content, executable) by path; `files` in are the same."""
        hexed = {path: {"hex": content.hex(), "executable": executable}
                 for path, (content, executable) in files.items()}
        answer = self.ask({"reply": reply, "files": hexed, "links": list(links),
                           "times": times})
        if "files" in answer:
            answer["files"] = {path: (bytes.fromhex(file["hex"]), file["executable"])
                               for path, file in answer["files"].items()}
        return answer
