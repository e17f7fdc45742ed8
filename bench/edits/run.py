#!/usr/bin/env python3
"""Applies the same awkward replies with Atelier and with its peers, and says what became of each.

Usage: run.py [--release] [--install] [--more FILE] [--source own] [--times 21]
              [--json FILE] [--markdown FILE] [--verbose]

Each reply is applied to a throwaway folder with a `.git` of its own. What comes of it is one of:
right, silently wrong (other files than meant, or nothing, and no objection), refused rightly,
refused though it could be repaired, half-applied (an objection and yet files are changed) and
escaped (anything outside the folder or in `.git` is new or different).
`right` counts replies that were applied as meant or rightly refused.
"""

import argparse
import collections
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import cases
import peers
from kernel import ROOT, build

OUTCOMES = ["right", "silently wrong", "escaped", "half-applied", "refused, repairable"]


class Folder:
    """A throwaway folder with the files of a case, and one beside it that nobody may touch."""

    def __init__(self, case, template):
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="atelier-bench-"))
        self.root, self.outside = self.above / "project", self.above / "outside"
        shutil.copytree(template, self.root)
        self.outside.mkdir()
        (self.outside / "kept.txt").write_text("kept\n")
        for path, file in case.before.items():
            at = self.root / path
            at.parent.mkdir(parents=True, exist_ok=True)
            if file.link is not None:
                at.symlink_to(self.place(file.link))
            else:
                at.write_bytes(file.content)
                at.chmod(0o755 if file.executable else 0o644)
        self.case = case
        self.beyond = self.guarded()

    def place(self, text):
        return text.replace(cases.OUTSIDE, str(self.outside))

    def files(self):
        """The files of the project by path, as cases have them."""
        found = {}
        for at in self.root.rglob("*"):
            path = str(at.relative_to(self.root))
            if path.split("/")[0] in (".git", ".atelier") or path.startswith(".aider"):
                continue
            if at.is_symlink():
                found[path] = ("link", str(at.readlink()))
            elif at.is_file():
                found[path] = (at.read_bytes(), bool(at.stat().st_mode & 0o100))
        return found

    def meant(self, files):
        return {path: ("link", self.place(file.link)) if file.link is not None
                else (file.content, file.executable) for path, file in files.items()}

    def guarded(self):
        """Everything beside the project, and git's own settings and hooks."""
        places = [at for at in self.above.rglob("*") if not at.is_relative_to(self.root)]
        places += [*(self.root / ".git/hooks").rglob("*"), self.root / ".git/config"]
        return {str(at): at.read_bytes() if at.is_file() else b"" for at in places}

    def outcome(self, said):
        now, before = self.files(), self.meant(self.case.before)
        refused = said is not None and said != "applied"
        if self.guarded() != self.beyond:
            return "escaped"
        if self.case.after is None:
            if now == before:
                return "right" if refused else "silently wrong"
            return "half-applied" if refused else "silently wrong"
        if now == self.meant(self.case.after):
            return "right" if not refused or now == before else "half-applied"
        if now == before:
            return "refused, repairable" if refused else "silently wrong"
        return "half-applied" if refused else "silently wrong"

    def remove(self):
        shutil.rmtree(self.above)


def template_of(folder):
    """A folder with an empty repository, made once and copied for each case."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--template=", folder], check=True)
    (folder / ".git/hooks").mkdir()
    return folder


def run(peer, case, template):
    """What became of a case, what the peer said and how long it took."""
    folder = Folder(case, template)
    reply = folder.place(case.reply)
    placed = cases.Case(case.name, case.source, case.form, reply, case.before, case.after)
    try:
        said, taken = peer.apply(folder.root, placed)
        return folder.outcome(said), said, taken
    finally:
        folder.remove()


def all_runs(given, found):
    everything = [*cases.own(), *cases.fixtures(), *(cases.more(given.more) if given.more else ())]
    with tempfile.TemporaryDirectory() as made:
        template = template_of(pathlib.Path(made) / "template")
        for case in everything:
            if given.source and case.source != given.source:
                continue
            for peer in found:
                sources = getattr(peer, "sources", [case.source])
                if case.form not in peer.forms or case.source not in sources:
                    continue
                outcome, said, taken = run(peer, case, template)
                if given.verbose and (outcome != "right" or "atelier" not in peer.name):
                    print(f"{peer.name:20} {outcome:20} {case.form:15} {case.name}: "
                          f"{' '.join((said or 'nothing').split())[:160]}", file=sys.stderr)
                yield {"peer": peer.name, "source": case.source, "form": case.form,
                       "case": case.name, "must_be_refused": case.after is None,
                       "outcome": outcome, "ms": round(taken, 4)}


def table(rows, found):
    """A Markdown table for each source and form."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["source"], row["form"], row["peer"]].append(row)
    lines = []
    for source, form in dict.fromkeys(key[:2] for key in groups):
        lines += ["", f"**{source}, {form}**", "",
                  "| | cases | " + " | ".join(OUTCOMES) + " | median ms |",
                  "|---" * (len(OUTCOMES) + 3) + "|"]
        for peer in found:
            mine = groups.get((source, form, peer.name))
            if mine:
                counts = collections.Counter(row["outcome"] for row in mine)
                median = statistics.median(row["ms"] for row in mine)
                lines.append(f"| {peer.name} | {len(mine)} | "
                             + " | ".join(str(counts[outcome]) for outcome in OUTCOMES)
                             + f" | {median:.3f} |")
    return "\n".join(lines[1:]) + "\n"


def arguments():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--release", action="store_true", help="measure a release build")
    options.add_argument("--install", action="store_true", help="install the peers first")
    options.add_argument("--kernel", type=pathlib.Path, help="the library's driver, already built")
    options.add_argument("--atelier", type=pathlib.Path, help="the program, already built")
    options.add_argument("--more", type=pathlib.Path, help="a file with more cases")
    options.add_argument("--source", choices=["own", "fixtures", "more"])
    options.add_argument("--times", type=int, default=1, help="timings of one reply in the library")
    options.add_argument("--json", type=pathlib.Path)
    options.add_argument("--markdown", type=pathlib.Path)
    options.add_argument("--verbose", action="store_true")
    return options.parse_args()


def main():
    given = arguments()
    if given.install:
        peers.install()
    target = "target/bench-edits/target" if given.release else "target"
    profile = "release" if given.release else "debug"
    library = given.kernel or build(profile, target)
    atelier = given.atelier or ROOT / target / profile / "atelier"
    found = peers.peers(atelier, library, given.times)
    rows = list(all_runs(given, found))
    for peer in found:
        peer.close()
    made = "Made with " + ", ".join(peers.versions()) + ".\n"
    times = "".join(f"Time of {peer.name}: {peer.measure}.\n" for peer in found)
    text = table(rows, found) + "\n" + made + "\n" + times
    print(text)
    if given.markdown:
        given.markdown.write_text(text)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    ours = [row for row in rows if row["peer"].startswith("atelier")]
    bad = [row for row in ours if row["outcome"] not in ("right", "refused, repairable")]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
