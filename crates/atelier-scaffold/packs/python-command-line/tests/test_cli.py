"""How arguments are understood and what the program answers."""

import contextlib
import io
import json
import unittest

from {{module}} import NAME, SUMMARY, VERSION
from {{module}}.cli import run


def outcome(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one invocation."""
    output, message = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(message):
        try:
            code = run(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return code, output.getvalue(), message.getvalue()


class Options(unittest.TestCase):
    def test_help_explains_the_usage(self) -> None:
        for option in ("-h", "--help"):
            code, output, message = outcome(option)
            self.assertEqual((code, message), (0, ""))
            self.assertIn(f"usage: {NAME} ", output)
            self.assertIn("about", output)

    def test_version_is_one_line(self) -> None:
        for option in ("-V", "--version"):
            self.assertEqual(outcome(option), (0, f"{NAME} {VERSION}\n", ""))

    def test_an_unknown_option_is_a_usage_error_that_names_it(self) -> None:
        for arguments in (["--colour"], ["about", "--colour"]):
            code, output, message = outcome(*arguments)
            self.assertEqual((code, output), (2, ""))
            self.assertIn("--colour", message)

    def test_a_shortened_option_is_unknown(self) -> None:
        self.assertEqual(outcome("--vers")[0], 2)


class Commands(unittest.TestCase):
    def test_about_says_what_the_program_is(self) -> None:
        expected = f"{NAME} {VERSION}\n{SUMMARY}.\n"
        self.assertEqual(outcome("about"), (0, expected, ""))

    def test_about_as_json_is_one_object(self) -> None:
        code, output, _ = outcome("about", "--json")
        expected = {"name": NAME, "version": VERSION, "summary": SUMMARY}
        self.assertEqual((code, json.loads(output)), (0, expected))

    def test_an_unknown_command_is_a_usage_error_that_names_it(self) -> None:
        code, output, message = outcome("abuot")
        self.assertEqual((code, output), (2, ""))
        self.assertIn("abuot", message)

    def test_a_missing_command_is_a_usage_error(self) -> None:
        code, _, message = outcome()
        self.assertEqual(code, 2)
        self.assertIn("a command is missing", message)

    def test_an_argument_too_many_is_a_usage_error(self) -> None:
        code, _, message = outcome("about", "now")
        self.assertEqual(code, 2)
        self.assertIn("now", message)


if __name__ == "__main__":
    unittest.main()
