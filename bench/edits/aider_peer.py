"""Runs in aider's own interpreter: one reply in, aider's coder applies it as its command would.

In: `{"root": folder, "form": edit format, "files": [paths in the chat], "reply": text}`, one object
a line. Out: `{"said": "applied" or what aider objects to, "ms": CPU milliseconds}`. No model is
asked; whatever aider would ask its user is answered with yes.
"""

import contextlib
import io
import json
import os
import sys
import time

from aider.coders import Coder
from aider.io import InputOutput
from aider.models import Model


class Silent(InputOutput):
    """Says yes to everything and remembers complaints."""

    def __init__(self):
        super().__init__(yes=True, pretty=False, fancy_input=False)
        self.complaints = []

    def tool_error(self, message="", strip=True):
        self.complaints.append(str(message))

    tool_warning = tool_error

    def tool_output(self, *messages, log_only=False, bold=False):
        pass

    def confirm_ask(self, *_, **__):
        return True


def run(case, model):
    os.chdir(case["root"])
    said = Silent()
    coder = Coder.create(main_model=model, edit_format=case["form"], io=said,
                         fnames=case["files"], auto_commits=False, map_tokens=0,
                         suggest_shell_commands=False, auto_lint=False, stream=False)
    coder.partial_response_content = case["reply"]
    coder.reflected_message = None
    begin = time.process_time()
    edited = coder.apply_updates()
    taken = (time.process_time() - begin) * 1000
    complaint = coder.reflected_message or " ".join(said.complaints)
    if not edited and not complaint:
        complaint = None
    return {"said": "applied" if edited and not coder.reflected_message else complaint,
            "ms": taken}


def main():
    answers = sys.stdout
    model = Model("gpt-4o")
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                answer = run(json.loads(line), model)
            except Exception as error:  # Whatever aider raises is its answer.
                answer = {"said": f"{type(error).__name__}: {error}", "ms": 0.0}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
