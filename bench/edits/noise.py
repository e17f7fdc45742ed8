"""Real changes as a careless model would write them: what was meant is known, the writing is off.

Each noise takes the files of a diff (see history.py) and a random generator and returns a reply or
None. The result must be the commit or a refusal; anything else is a fault of the kernel.
"""

import random
import re

from history import File, blocks_form, patch_form


def mapped(files, change):
    """The files with hunks that `change` made of theirs; None where it cannot."""
    out = []
    for file in files:
        copy = File()
        copy.__dict__.update(file.__dict__)
        copy.hunks = [change(hunk) for hunk in file.hunks]
        if None in copy.hunks:
            return None
        out.append(copy)
    return out


def updates_only(files):
    return all(file.old is not None and file.new is not None for file in files)


def shifted(files, change):
    """The hunks with other indentations; None where the lines to find do not show it in each."""
    def shift(hunk):
        out = [(sign, change(line) if line.strip() else line) for sign, line in hunk]
        shown = any(sign != "+" and (sign, line) not in hunk for sign, line in out)
        return out if shown else None
    return mapped(files, shift) if updates_only(files) else None


def ends_changed(change):
    """Other blanks at the ends of lines that stand in the file and have none there."""
    def hunks(files, chance):
        lines = [line for file in files for hunk in file.hunks for _, line in hunk]
        if not updates_only(files) or any(line != line.rstrip() for line in lines):
            return None
        return mapped(files, lambda hunk: [
            (sign, line if sign == "+" else change(line, chance)) for sign, line in hunk])
    return hunks


def outdented(files, _):
    """Each hunk without the blanks that all its lines begin with."""
    def outdent(hunk):
        filled = [line for _, line in hunk if line.strip()]
        shared = min((len(line) - len(line.lstrip(" ")) for line in filled), default=0)
        return [(sign, line[shared:] if line.strip() else line) for sign, line in hunk]
    return mapped(files, outdent) if updates_only(files) else None


def indented(files, _):
    """Each hunk four blanks too far right."""
    return shifted(files, lambda line: "    " + line)


def tabbed(files, _):
    """Four blanks written as a tab."""
    def tabs(line):
        blanks = len(line) - len(line.lstrip(" "))
        return "\t" * (blanks // 4) + " " * (blanks % 4) + line[blanks:]
    return shifted(files, tabs)


def bare(files, _):
    """Only the lines that change, without context, where they stand together."""
    def strip(hunk):
        changes = [at for at, (sign, _) in enumerate(hunk) if sign != " "]
        together = changes[-1] - changes[0] + 1 == len(changes)
        kept = [hunk[at] for at in changes]
        return kept if together and any(sign == "-" for sign, _ in kept) else None
    return mapped(files, strip) if updates_only(files) else None


def quiet(hunk, at):
    """Whether a line and those beside it are context with something in them, itself aside."""
    near = hunk[max(0, at - 1):at] + hunk[at + 1:at + 2]
    return 0 < at < len(hunk) - 1 and hunk[at][0] == " " \
        and all(sign == " " and line.strip() for sign, line in near)


def gaps_closed(files, _):
    """Blank lines within the context left out."""
    return mapped(files, lambda hunk: [
        pair for at, pair in enumerate(hunk) if pair[1].strip() or not quiet(hunk, at)]) \
        if updates_only(files) else None


def gaps_made(files, chance):
    """A blank line too many within the context."""
    def widen(hunk):
        places = [at for at in range(len(hunk)) if quiet(hunk, at) and hunk[at][1].strip()]
        if not places:
            return hunk
        at = chance.choice(places)
        return [*hunk[:at], (" ", ""), *hunk[at:]]
    return mapped(files, widen) if updates_only(files) else None


def reordered(files, _):
    """Hunks from the last to the first."""
    out = mapped(files, lambda hunk: hunk)
    for file in out:
        file.hunks, file.heads = file.hunks[::-1], file.heads[::-1]
    return out


def repeated(files, chance):
    """One hunk written twice."""
    out = mapped(files, lambda hunk: hunk) if updates_only(files) else []
    places = [(file, at) for file in out for at in range(len(file.hunks))]
    if not places:
        return None
    file, at = chance.choice(places)
    file.hunks = [*file.hunks[:at + 1], *file.hunks[at:]]
    file.heads = [*file.heads[:at + 1], *file.heads[at:]]
    return out


def misquoted(files, chance):
    """One word of one line to find is another one."""
    out = mapped(files, list) if updates_only(files) else []
    places = [(hunk, at) for file in out for hunk in file.hunks for at, (sign, line)
              in enumerate(hunk) if sign != "+" and re.search(r"\w{4}", line)]
    if not places:
        return None
    hunk, at = chance.choice(places)
    sign, line = hunk[at]
    hunk[at] = (sign, re.sub(r"\w{4}", "else", line, count=1))
    return out


def misnamed(files, _):
    """Files named without their folders."""
    out = mapped(files, lambda hunk: hunk) if updates_only(files) else None
    if out is None or not all("/" in file.old for file in out):
        return None
    for file in out:
        file.old, file.new = file.old.rsplit("/", 1)[-1], file.new.rsplit("/", 1)[-1]
    return out


NOISES = {
    "outdented": outdented,
    "indented": indented,
    "tabs": tabbed,
    "no context": bare,
    "blank lines left out": gaps_closed,
    "a blank line too many": gaps_made,
    "last hunk first": reordered,
    "a hunk twice": repeated,
    "a word misquoted": misquoted,
    "no folders": misnamed,
    "blanks at line ends": ends_changed(
        lambda line, chance: line + " " * chance.choice([0, 0, 1, 3])),
}


def cut(reply, opens, closes, chance):
    """A reply that ends within one of its edits."""
    begin = chance.choice([found.end() for found in re.finditer(opens, reply)])
    return reply[:chance.randrange(begin, reply.index(closes, begin))]


def unmarked(reply):
    """Context lines without the blank that marks them."""
    inside = re.split(r"(?m)^(?=@@)", reply)
    return inside[0] + "".join(re.sub(r"(?m)^ (?! *$)", "", part) for part in inside[1:])


def noisy(files, commit):
    """Replies by the name of their form and noise."""
    chance = random.Random(commit)
    found = {}
    for name, noise in NOISES.items():
        changed = noise(files, chance)
        if changed:
            found[f"apply_patch, {name}"] = patch_form(changed)
            found[f"SEARCH/REPLACE, {name}"] = blocks_form(changed)
    patch, blocks = patch_form(files), blocks_form(files)
    if patch:
        found["apply_patch, cut off"] = cut(patch, r"\*\*\* \w+ File: ", "*** End Patch", chance)
        found["apply_patch, context unmarked"] = unmarked(patch)
    if blocks:
        found["SEARCH/REPLACE, cut off"] = cut(blocks, "<<<<<<< SEARCH", ">>>>>>> REPLACE", chance)
    return {name: reply for name, reply in found.items() if reply}
