"""The program, run in a process of its own as a user runs it."""

import subprocess
import sys
import unittest
from pathlib import Path

from {{module}} import NAME, VERSION

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "{{module}}", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


class Program(unittest.TestCase):
    def test_it_prints_its_version(self) -> None:
        ended = run("--version")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(ended.stdout, f"{NAME} {VERSION}\n")

    def test_a_usage_error_ends_it_with_code_2(self) -> None:
        ended = run("--no-such-option")
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))
        self.assertIn("--no-such-option", ended.stderr)


if __name__ == "__main__":
    unittest.main()
