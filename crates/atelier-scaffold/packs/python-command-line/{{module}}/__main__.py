"""The process: arguments in, output and an exit code out."""

import os
import sys

from .cli import run


def main() -> int:
    """Runs the program with the arguments of the process."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # A reader that has gone away, such as `head`, is no error; what is still
        # buffered must not be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    return code


if __name__ == "__main__":
    sys.exit(main())
