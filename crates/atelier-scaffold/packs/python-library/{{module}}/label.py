"""A label: a short text a person gave, checked once, when it is made."""

from __future__ import annotations

from dataclasses import dataclass

LENGTH_MAX = 80
"""The most characters a label may have."""


class LabelError(ValueError):
    """A text is no label; the message says why."""


@dataclass(frozen=True, order=True)
class Label:
    """One line of visible text without blanks around it, neither empty nor too long.

    >>> str(Label.parse("  Shopping list "))
    'Shopping list'
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text:
            raise LabelError("a label must not be empty")
        if len(self.text) > LENGTH_MAX:
            raise LabelError(
                f"a label has at most {LENGTH_MAX} characters, not {len(self.text)}"
            )
        if not self.text.isprintable():
            raise LabelError("a label is one line of visible characters")
        if self.text != self.text.strip():
            raise LabelError("a label has no blanks around it")

    @classmethod
    def parse(cls, text: str) -> Label:
        """Makes a label of a text; blanks around it are dropped.

        Raises LabelError where nothing is left, or too much, or something invisible.
        """
        return cls(text.strip())

    def __str__(self) -> str:
        return self.text
