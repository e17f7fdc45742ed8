"""Arguments become one command, or a usage error that names the argument."""

import argparse
from collections.abc import Sequence

from . import NAME, SUMMARY, VERSION, commands


def parser() -> argparse.ArgumentParser:
    """The parser of all arguments; each command sets the function that does it."""
    root = argparse.ArgumentParser(
        prog=NAME, description=f"{SUMMARY}.", allow_abbrev=False
    )
    root.add_argument("-V", "--version", action="version", version=f"{NAME} {VERSION}")
    root.set_defaults(do=None)
    names = root.add_subparsers(title="commands", metavar="COMMAND")

    about = names.add_parser(
        "about", help="say what this program is", allow_abbrev=False
    )
    about.add_argument("--json", action="store_true", help="as one JSON object")
    about.set_defaults(do=lambda options: commands.about(as_json=options.json))
    return root


def run(arguments: Sequence[str]) -> int:
    """Does what the arguments ask for and returns the exit code.

    A usage error ends the process with code 2 and a message on standard error.
    """
    root = parser()
    options, unknown = root.parse_known_args(arguments)
    if unknown:
        root.error(f"there is no option or argument {unknown[0]!r} here")
    if options.do is None:
        root.error("a command is missing")
    print(options.do(options))
    return 0
