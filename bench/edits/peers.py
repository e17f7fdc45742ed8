"""Everything that applies a reply to a folder, each behind `apply(root, case)`.

An answer is what the peer said ("applied", or its objection, or None if it said nothing at all) and
the milliseconds it took.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

from kernel import PEERS, ROOT, Kernel

HERE = pathlib.Path(__file__).resolve().parent
AIDER = "aider-chat==0.86.2"
CODEX = "@openai/codex@0.169.0"
FILESYSTEM = "@modelcontextprotocol/server-filesystem@2026.8.31"
SECONDS_MAX = 60


def install():
    """Installs from the registries whatever of the peers is not there."""
    python = PEERS / "aider/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS / "aider"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", AIDER], check=True)
    for name, package in (("codex", CODEX), ("filesystem", FILESYSTEM)):
        if not (PEERS / name / "node_modules").is_dir():
            (PEERS / name).mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--prefix", PEERS / name, package], check=True)


def environment():
    """A home of their own, and no way out: nothing here needs a network."""
    home = PEERS / "home"
    home.mkdir(parents=True, exist_ok=True)
    nowhere = "http://127.0.0.1:9"
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}


class Command:
    """A program that is started anew for each reply; its time is CPU time, start included."""

    measure = "CPU of the process"

    def __init__(self, name, forms, argv, reply_on_stdin=True):
        self.name, self.forms = name, forms
        self.argv, self.reply_on_stdin = argv, reply_on_stdin
        self.environment = environment()

    def apply(self, root, case):
        argv = [*self.argv] if self.reply_on_stdin else [*self.argv, case.reply]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(argv, cwd=root, env=self.environment, timeout=SECONDS_MAX,
                              input=case.reply.encode() if self.reply_on_stdin else b"",
                              capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        objection = (done.stderr or done.stdout).decode(errors="replace") or "failed"
        return "applied" if done.returncode == 0 else objection, taken * 1000

    def close(self):
        pass


class Lines:
    """A process that answers one JSON object a line."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment(), text=True)

    def send(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()

    def ask(self, question):
        self.send(question)
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError("a peer ended before its answer")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Aider:
    """One of aider's coders, driven in its own interpreter without a model."""

    measure = "CPU of the call, files on disk"
    process = None

    def __init__(self, name, form, edit_format):
        self.name, self.forms, self.edit_format = name, [form], edit_format

    def apply(self, root, case):
        if Aider.process is None:
            Aider.process = Lines([PEERS / "aider/bin/python", HERE / "aider_peer.py"])
        reply = case.reply
        if self.edit_format == "udiff":
            # Its prompt asks for paths without prefixes.
            reply = re.sub(r"^(---|\+\+\+) [ab]/", r"\1 ", reply, flags=re.MULTILINE)
        answer = Aider.process.ask({"root": str(root), "form": self.edit_format,
                                    "files": sorted(case.before), "reply": reply})
        return answer["said"], answer["ms"]

    def close(self):
        if Aider.process is not None:
            Aider.process.close()
            Aider.process = None


class Filesystem:
    """The edit tool of the filesystem server for models, which takes old and new text as JSON."""

    name, forms, measure = "filesystem server", ["json"], "wall of the call, files on disk"
    # Only these are written as its calls have them.
    sources = ["own"]
    program = "filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js"

    def apply(self, root, case):
        edits = json.loads(case.reply)
        server = Lines(["node", PEERS / self.program, root])
        try:
            hello = {"protocolVersion": "2024-11-05", "capabilities": {},
                     "clientInfo": {"name": "bench", "version": "1"}}
            server.ask({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
            server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
            return self.edit(server, root, edits if isinstance(edits, list) else [edits])
        finally:
            server.close()

    @staticmethod
    def edit(server, root, edits):
        """One call a file, as a model would make them; it is told of the first that fails."""
        by_path = {}
        for edit in edits:
            by_path.setdefault(edit["path"], []).append(
                {"oldText": edit["old"], "newText": edit["new"]})
        begin = time.perf_counter()
        said = "applied"
        for path, changes in by_path.items():
            call = {"name": "edit_file", "arguments": {"path": str(root / path), "edits": changes}}
            answer = server.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
            if "error" in answer or answer["result"].get("isError"):
                said = json.dumps(answer)
                break
        return said, (time.perf_counter() - begin) * 1000

    def close(self):
        pass


class Library:
    """The kernel as a library, in memory; it is timed and its files are written down here."""

    name, measure = "atelier, library", "wall of the call, in memory"

    def __init__(self, forms, built, times):
        self.forms, self.kernel, self.times = forms, Kernel(built), times

    def apply(self, root, case):
        files = {path: (file.content, file.executable) for path, file in case.before.items()
                 if file.link is None}
        links = [path for path, file in case.before.items() if file.link is not None]
        answer = self.kernel.apply(case.reply, files, links, self.times)
        if "files" not in answer:
            return answer["refused"], answer["ns"] / 1e6
        for path in files.keys() - answer["files"].keys():
            (root / path).unlink()
        for path, (content, executable) in answer["files"].items():
            if files.get(path) != (content, executable):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
                (root / path).chmod(0o755 if executable else 0o644)
        return "applied", answer["ns"] / 1e6

    def close(self):
        self.kernel.__exit__()


ALL_FORMS = ["search-replace", "apply-patch", "diff", "whole", "json"]


def applies(atelier):
    """Whether a program is there and has the command."""
    return atelier.exists() and subprocess.run([atelier, "edit", "apply", "--help"], check=False,
                                               capture_output=True).returncode == 0


def peers(atelier, library, times):
    """Every peer that is there, ours first. `atelier` is the program, `library` the driver."""
    found = [Library(ALL_FORMS, library, times)]
    if applies(atelier):
        found.insert(0, Command("atelier edit apply", ALL_FORMS, [atelier, "edit", "apply", "-"]))
    found += [
        Aider("aider diff", "search-replace", "diff"),
        Aider("aider patch", "apply-patch", "patch"),
        Aider("aider udiff", "diff", "udiff"),
        Aider("aider whole", "whole", "whole"),
    ]
    codex = next(PEERS.glob("codex/node_modules/@openai/codex-*/vendor/*/bin/codex"), None)
    if codex:
        found.append(Command("codex apply_patch", ["apply-patch"],
                             [codex, "--codex-run-as-apply-patch"], reply_on_stdin=False))
    if shutil.which("git"):
        found.append(Command("git apply", ["diff"], ["git", "apply", "-"]))
    if shutil.which("patch"):
        argv = ["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", "--reject-file=-"]
        found.append(Command("GNU patch", ["diff"], argv))
    found.append(Filesystem())
    return found


def versions():
    """What the table was made with."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                          text=True, check=False).stdout
    return [f"atelier at {head.strip()}", AIDER, CODEX, FILESYSTEM, git.strip()]
