"""What is a label and what is none."""

import doctest
import unittest

from {{module}} import Label, LabelError, label


class Labels(unittest.TestCase):
    def test_blanks_around_the_text_are_dropped(self) -> None:
        self.assertEqual(str(Label.parse("  Shopping list\n")), "Shopping list")

    def test_any_script_is_welcome(self) -> None:
        for text in ("Einkäufe", "買い物", "🛒"):
            self.assertEqual(Label.parse(text).text, text)

    def test_nothing_is_no_label(self) -> None:
        for text in ("", " ", "\t\n"):
            with self.assertRaisesRegex(LabelError, "must not be empty"):
                Label.parse(text)

    def test_the_longest_label_is_accepted_and_one_more_refused(self) -> None:
        longest = "x" * label.LENGTH_MAX
        self.assertEqual(Label.parse(longest).text, longest)
        with self.assertRaisesRegex(LabelError, "at most 80 characters, not 81"):
            Label.parse(longest + "x")

    def test_invisible_characters_are_refused(self) -> None:
        for text in ("two\nlines", "a\0b", "a\x1b[31mb"):
            with self.assertRaisesRegex(LabelError, "visible"):
                Label.parse(text)

    def test_no_label_can_be_made_around_the_checks(self) -> None:
        with self.assertRaises(LabelError):
            Label(" x")

    def test_labels_are_values(self) -> None:
        self.assertEqual(Label("a"), Label.parse(" a "))
        self.assertEqual(len({Label("a"), Label("a"), Label("b")}), 2)
        self.assertEqual(sorted([Label("b"), Label("a")]), [Label("a"), Label("b")])

    def test_the_examples_in_the_documentation_hold(self) -> None:
        result = doctest.testmod(label)
        self.assertEqual((result.failed, result.attempted), (0, 1))


if __name__ == "__main__":
    unittest.main()
