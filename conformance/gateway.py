"""A gateway under way, in a throwaway folder, before some upstream."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

PROVIDERS = {
    "chat": "openai",
    "responses": "responses",
    "messages": "anthropic",
    "gemini": "gemini",
}
KEY = "sk-conformance-0123456789"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Gateway:
    """`with Gateway(binary, "chat", "http://127.0.0.1:1") as gateway: gateway.url`"""

    def __init__(self, binary, dialect, upstream, options=(), settings=""):
        self.folder = tempfile.mkdtemp(prefix="atelier-conformance-")
        with open(os.path.join(self.folder, "atelier.toml"), "w") as file:
            file.write(
                f'provider = "{PROVIDERS[dialect]}"\nmodel = "m"\nbase_url = "{upstream}"\n'
                f"{settings}"
            )
        keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"]
        environment = {
            "HOME": self.folder,
            "PATH": os.environ["PATH"],
            **{name: KEY for name in keys},
        }
        command = [binary, "--json", "gateway", "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.url = "http://" + json.loads(line)["address"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)
