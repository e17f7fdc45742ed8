"""The cases of the bench: files, one change to them in several forms, and what must come of it."""

import codecs
import dataclasses
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "fixtures/edits"
# How the names of fixture folders begin, and the form their reply is written in.
FIXTURE_FORMS = {"replace": "search-replace", "whole": "whole", "patch": "apply-patch",
                 "diff": "diff", "json": "json"}
MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}
# What stands for an absolute path outside the folder that is changed.
OUTSIDE = "{outside}"


@dataclasses.dataclass
class File:
    """A file, or a link that leads somewhere."""

    content: bytes = b""
    executable: bool = False
    link: str = None


@dataclasses.dataclass
class Case:
    """One reply in one form. `after` is None where the reply must be refused."""

    name: str
    source: str
    form: str
    reply: str
    before: dict
    after: dict


def file_of(said):
    """A file as a case has it: its lines, or an object that says what is special about it."""
    if isinstance(said, list):
        said = {"lines": said}
    if "link" in said:
        return File(link=said["link"])
    end = said.get("end", "\n")
    text = said.get("text", end.join(said.get("lines", [])) + (end if said.get("final", True) else ""))
    encoding = said.get("encoding", "utf-8")
    mark = MARKS[encoding] if said.get("bom") else b""
    return File(mark + text.encode(encoding), said.get("executable", False))


def own():
    """The cases of this bench, a change in each form that can say it."""
    for path in sorted((HERE / "cases").glob("*.json")):
        for said in json.loads(path.read_text()):
            before = {name: file_of(file) for name, file in said["before"].items()}
            after = None
            if "after" in said:
                after = dict(before)
                for name, file in said["after"].items():
                    after.pop(name, None)
                    if file is not None:
                        after[name] = file_of(file)
            for form, lines in said["replies"].items():
                reply = "\n".join(lines) + "\n"
                yield Case(f"{path.stem}/{said['name']}", "own", form, reply, before, after)


def folder(path):
    files = (file for file in path.rglob("*") if file.is_file() and file.name != ".keep")
    return {str(file.relative_to(path)): File(file.read_bytes(), bool(file.stat().st_mode & 0o100))
            for file in files}


def fixtures():
    """The fixtures of the kernel that plain files say whole, in forms that peers know."""
    for path in sorted(FIXTURES.iterdir()):
        form = FIXTURE_FORMS.get(path.name.split("-")[0])
        if form and (path / "reply.md").exists() and not (path / "case.toml").exists():
            after = None if (path / "refused.txt").exists() else folder(path / "after")
            reply = (path / "reply.md").read_bytes().decode()
            yield Case(path.name, "fixtures", form, reply, folder(path / "before"), after)


def more(path):
    """Cases of a file that lists one file, its bytes before and after, and a reply in two forms."""
    for said in json.loads(pathlib.Path(path).read_text()):
        executable = "0755" in said["name"]
        before = {said["file"]: File(bytes.fromhex(said["input_hex"]), executable)}
        after = None
        if said["expected_hex"] is not None:
            after = {said["file"]: File(bytes.fromhex(said["expected_hex"]), executable)}
        for key, form in (("search_replace", "search-replace"), ("apply_patch", "apply-patch")):
            if said[key]:
                yield Case(said["name"], "more", form, said[key], before, after)
