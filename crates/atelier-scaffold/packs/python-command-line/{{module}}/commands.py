"""The commands: each a function from what was asked to a text."""

import json

from . import NAME, SUMMARY, VERSION


def about(*, as_json: bool = False) -> str:
    """Says what this program is, as text or as one JSON object."""
    if as_json:
        return json.dumps({"name": NAME, "version": VERSION, "summary": SUMMARY})
    return f"{NAME} {VERSION}\n{SUMMARY}."
