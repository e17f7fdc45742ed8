"""Coding programs that people use, each finishing a task through the gateway.

    python3 conformance/clients.py BINARY [CLIENT...]

The task is to have `made.txt` written: by a tool that the program runs, or by an edit in its own
form. Every program is tried before an upstream of each dialect that follows a script, and before a
real server of llama.cpp with a model of word pairs, which knows nothing and speaks correctly.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import standin
from gateway import PROVIDERS, Gateway

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(os.path.dirname(HERE), "target", "tools")
BIN = os.path.join(TOOLS, "clients", "node_modules", ".bin")
TASK = "Write a file made.txt that holds the line `made by a tool`."
SECONDS_MAX = 120


def codex(url, home):
    with open(os.path.join(home, "config.toml"), "w") as file:
        file.write(
            'model = "m"\nmodel_provider = "atelier"\n'
            '[model_providers.atelier]\nname = "atelier"\nwire_api = "responses"\n'
            f'base_url = "{url}/v1"\nenv_key = "ATELIER_KEY"\nrequest_max_retries = 0\n'
        )
    options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    return [os.path.join(BIN, "codex"), "exec", *options, TASK], {"CODEX_HOME": home}


def claude(url, home):
    options = ["--allowedTools", "Bash", "--model", "m", "--max-turns", "6"]
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_SMALL_FAST_MODEL": "m",
        "CLAUDE_CONFIG_DIR": home,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return [os.path.join(BIN, "claude"), "-p", TASK, *options], environment


def aider(url, _home):
    options = [
        "--model",
        "openai/m",
        "--edit-format",
        "diff",
        "--yes-always",
        "--no-git",
        "--no-check-update",
        "--no-show-model-warnings",
        "--no-detect-urls",
        "--analytics-disable",
        "--no-show-release-notes",
        "--map-tokens",
        "0",
    ]
    command = [os.path.join(TOOLS, "aider", "bin", "aider"), *options, "--message", TASK]
    return [*command, "made.txt"], {"OPENAI_API_BASE": f"{url}/v1", "OPENAI_API_KEY": "x"}


def opencode(url, home):
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Atelier",
        "options": {"baseURL": f"{url}/v1", "apiKey": "x"},
        "models": {"m": {"name": "m", "limit": {"context": 32_000, "output": 2_000}}},
    }
    path = os.path.join(home, "opencode.json")
    with open(path, "w") as file:
        settings = {"provider": {"atelier": provider}, "autoupdate": False, "share": "disabled"}
        json.dump(settings | {"model": "atelier/m", "small_model": "atelier/m"}, file)
    command = [os.path.join(BIN, "opencode"), "run", "--model", "atelier/m", TASK]
    return command, {"OPENCODE_CONFIG": path, "OPENCODE_DISABLE_AUTOUPDATE": "1"}


CLIENTS = {"codex": codex, "claude-code": claude, "aider": aider, "opencode": opencode}


def attempt(client, url):
    """What a program left behind: its exit code, whether the file is made, what it printed."""
    home = tempfile.mkdtemp(prefix="atelier-client-")
    folder = os.path.join(home, "project")
    os.mkdir(folder)
    command, own = CLIENTS[client](url, home)
    environment = {
        "HOME": home,
        "PATH": os.environ["PATH"],
        "ATELIER_KEY": "x",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        **own,
    }
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS_MAX,
        )
        code, said = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        code, said = None, str(error.stdout)
    made = os.path.join(folder, "made.txt")
    is_made = os.path.exists(made) and open(made).read().strip() == "made by a tool"
    shutil.rmtree(home, ignore_errors=True)
    return code, is_made, said


class Llama:
    """A real server with a model that was counted, not trained."""

    def __init__(self):
        python = os.path.join(TOOLS, "llama", "bin", "python")
        model = os.path.join(TOOLS, "llama", "pairs.gguf")
        if not os.path.exists(model):
            subprocess.run([python, os.path.join(HERE, "pairs.py"), model], check=True)
        command = [python, os.path.join(HERE, "llama.py"), model]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5)
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise RuntimeError("the server of llama.cpp does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def row(client, url, before, is_scripted):
    began = time.monotonic()
    code, is_made, said = attempt(client, url)
    seconds = time.monotonic() - began
    # A model that knows nothing may do anything; only the conversation has to be in order.
    passed = code == 0 and (is_made or not is_scripted)
    what = "finished" if passed else f"FAILED (exit {code}, file {is_made})"
    print(f"| {client} | {before} | {what} | {seconds:.0f} s |", flush=True)
    if not passed:
        print(said[-1_500:], file=sys.stderr)
    return passed


def main():
    binary = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or list(CLIENTS)
    failed = 0
    server = standin.serve(record=os.environ.get("RECORD"))
    scripted = f"http://127.0.0.1:{server.server_address[1]}"
    print("| program | upstream | task | time |\n|---|---|---|---|")
    for dialect in PROVIDERS:
        with Gateway(binary, dialect, scripted) as gateway:
            failed += sum(not row(name, gateway.url, dialect, True) for name in names)
    llama = Llama()
    for dialect in ("chat", "responses", "messages"):
        with Gateway(binary, dialect, llama.url) as gateway:
            before = f"llama.cpp, {dialect}"
            failed += sum(not row(name, gateway.url, before, False) for name in names)
    llama.close()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
