#!/usr/bin/env python3
"""Runs corpora that others published through the edit kernel; the data are not part of Atelier.

Usage: foreign.py scenarios FOLDER
       foreign.py replies CHAT_LOG [--repository GIT_DIRECTORY]
       foreign.py history GIT_DIRECTORY [--commits 500] [--careless]

`scenarios` are end-to-end cases of the apply_patch form: `input/`, `patch.txt`, `expected/`.
`replies` is a chat log of aider: every answer with SEARCH blocks goes through the kernel and, where
run.py has installed it, through aider's own parser. With the repository that was worked on, each
reply is also applied to the files its commit began from and compared with that commit.
`history` writes commits of any repository in every form and compares the result with the commit;
`--careless` writes them wrongly in ways that leave no doubt of what is meant, or must be refused.

The exit code is 1 if anything is wrong that is not refused.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

from history import Repository, diff_of, forms
from kernel import PEERS, Kernel
from noise import noisy

# What the kernel does otherwise on purpose, and why.
DEVIATIONS = {
    "010_move_overwrites_existing_destination": "nothing is overwritten by a move",
    "011_add_overwrites_existing_file": "a file that exists is not added",
    "014_update_file_appends_trailing_newline": "the final line break stays as it was",
    "015_failure_after_partial_success_leaves_changes": "all edits or none",
    "016_pure_addition_update_chunk": "lines to add need a place",
}
SEARCH = re.compile(r"^<{5,9} SEARCH>?\s*$", re.MULTILINE)
# Lines of the log that are not the model's; the one about cost follows another and has no mark.
LOG = ("# aider chat started at", "> ", "#### ", "Cost: $")
OBJECTION_ENDS = ("The SEARCH section must exactly match", "Just reply with fixed versions")
AIDER = """
import json, sys
from aider.coders.editblock_coder import find_original_update_blocks
for line in sys.stdin:
    try:
        edits = list(find_original_update_blocks(json.loads(line), ("```", "```"), None))
        print(json.dumps([edit for edit in edits if edit[0] is not None]))
    except ValueError as error:
        print(json.dumps(str(error).strip().splitlines()[-1]))
"""


def folder_files(folder):
    """Files below a folder by path."""
    found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {str(path.relative_to(folder)): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
            for path in found}


def scenarios(folder, kernel):
    """Counts the scenarios that end as they should; false if one does neither that nor deviates."""
    right, deviating, wrong = [], [], []
    for case in sorted(path for path in folder.iterdir() if (path / "patch.txt").exists()):
        before = folder_files(case / "input")
        answer = kernel.apply((case / "patch.txt").read_text(), before)
        if answer.get("files", before) == folder_files(case / "expected"):
            right.append(case.name)
        elif case.name in DEVIATIONS:
            deviating.append(case.name)
            print(f"deviates  {case.name}: {DEVIATIONS[case.name]}")
        else:
            wrong.append(case.name)
            why = reason(answer["refused"]) if "refused" in answer else "other files"
            print(f"wrong     {case.name}: {why}")
    print(f"{len(right)} right, {len(deviating)} deviate on purpose, {len(wrong)} wrong")
    return not wrong


def answers(text):
    """The answers of the model, each with the commit it became, where it did."""
    lines, found, applied, objecting = [], [], False, False
    for line in text.splitlines(keepends=True):
        # What aider objects is not marked; its last sentence is always the same.
        objecting = line.startswith("## SearchReplaceNoExactMatch") or (
            objecting and not line.startswith("#### "))
        if not objecting and not line.startswith(LOG):
            lines.append(line)
            continue
        if "".join(lines).strip():
            found.append(("".join(lines), None))
            applied = False
        lines = []
        objecting = objecting and not line.startswith(OBJECTION_ENDS)
        commit = re.match(r"> Commit ([0-9a-f]{7,})", line)
        if line.startswith("> Applied edit to "):
            applied = True
        elif commit and applied:
            found[-1] = (found[-1][0], commit.group(1))
            applied = False
        elif not line.startswith("> "):
            applied = False
    return found


def aider_parses(replies):
    """What aider's parser makes of each reply: its edits, or why not; None if it is not there."""
    python = PEERS / "aider/bin/python"
    if not python.exists():
        return [None] * len(replies)
    given = "".join(json.dumps(reply) + "\n" for reply in replies)
    done = subprocess.run([python, "-c", AIDER], input=given, capture_output=True, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same(theirs, ours):
    """Whether both found the same lines; aider takes `<source>` fences for the path."""
    return [edit[1:] for edit in theirs] == [
        [edit.get("search"), edit.get("replace", edit.get("content"))] for edit in ours]


def reason(refusal):
    """The first problem of a refusal, without its place."""
    lines = refusal.splitlines()
    first = next((line for line in lines if line.startswith("Edit ")), lines[0])
    return re.sub(r"^Edit \d+ \(line \d+ of the reply\)(, `[^`]*`)?: ", "", first)


def parsed(replies, kernel):
    """Counts what the kernel and aider's parser make of replies with SEARCH blocks."""
    counts, why = collections.Counter(), collections.Counter()
    for number, (reply, theirs) in enumerate(zip(replies, aider_parses(replies))):
        answer = kernel.parse(reply)
        ours = "parsed" if "edits" in answer else "refused"
        peer = "aider absent"
        if theirs is not None:
            peer = "aider parses" if isinstance(theirs, list) and theirs else "aider does not"
        note = ""
        if ours == "refused":
            note = reason(answer["refused"])
            why[note] += 1
        elif peer == "aider parses" and not same(theirs, answer["edits"]):
            note = "other edits"
        counts[peer, ours, note == "other edits"] += 1
        if peer == "aider parses" and note:
            print(f"reply {number}: {note}")
    for (peer, ours, other), count in sorted(counts.items()):
        print(f"{count:5}  {peer}, the kernel {ours}{' other edits' if other else ''}")
    for note, count in why.most_common():
        print(f"{count:5}  refused: {note}")


def filled(files):
    """The files without blank lines and blanks at line ends: where these stand can be doubtful."""
    return {path: ([line.rstrip() for line in content.split(b"\n") if line.strip()], executable)
            for path, (content, executable) in files.items()}


def outcome(answer, before, after):
    """What became of a reply whose result is known."""
    if "files" not in answer:
        ambiguous = re.search(r"stands? in the file \d+ times", answer["refused"])
        return "refused as ambiguous" if ambiguous else "refused"
    if answer["files"] == after:
        return "right"
    if filled(answer["files"]) == filled(after):
        return "right but for blanks"
    return "nothing done" if answer["files"] == before else "other"


def committed(found, repository, kernel):
    """Applies replies to the files their commits began from; the log does not tell of modes."""
    counts = collections.Counter()
    for number, (reply, commit) in enumerate(found):
        if not commit or not repository.has(commit):
            continue
        answer = kernel.parse(reply)
        result = "not parsed"
        if "edits" in answer:
            paths = {edit["path"] for edit in answer["edits"]}
            before, after = ({path: (content, False) for path in paths
                              if (content := repository.read(f"{side}:{path}")) is not None}
                             for side in (commit + "^", commit))
            answer = kernel.apply(reply, before)
            for path, (content, _) in answer.get("files", {}).items():
                answer["files"][path] = (content, False)
            result = outcome(answer, before, after)
        counts[result] += 1
        if result != "right":
            why = reason(answer["refused"]) if "refused" in answer else ""
            print(f"reply {number}, commit {commit}: {result}: {why}")
    print(", ".join(f"{count} {result}" for result, count in counts.most_common()))


def replies_of(repository, commit, careless):
    """The change of a commit as replies, by the name of their form."""
    if not careless:
        return forms(repository, commit)
    files = diff_of(repository, commit)
    return noisy(files, commit) if files else {}


def history(repository, given, kernel):
    """Counts by form what becomes of commits written as replies; false if one is wrong."""
    table = collections.defaultdict(collections.Counter)
    for commit in repository.commits(given.commits):
        change = repository.change(commit)
        if not change:
            continue
        for form, reply in replies_of(repository, commit, given.careless).items():
            answer = kernel.apply(reply, change[0])
            result = outcome(answer, *change)
            table[form][result] += 1
            if result in ("other", "nothing done") or result == "refused" and not given.careless:
                why = reason(answer["refused"]) if "refused" in answer else ""
                print(f"{result}  {commit[:10]} {form}: {why}")
    for form, counts in table.items():
        print(f"{form}: " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    return not any(counts["other"] + counts["nothing done"] for counts in table.values())


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("corpus", choices=["scenarios", "replies", "history"])
    options.add_argument("data", type=pathlib.Path)
    options.add_argument("--repository", type=pathlib.Path)
    options.add_argument("--commits", type=int, default=500)
    options.add_argument("--careless", action="store_true", help="write them as models do")
    options.add_argument("--kernel", type=pathlib.Path, help="the driver, already built")
    given = options.parse_args()
    well = True
    with Kernel(given.kernel) as kernel:
        if given.corpus == "scenarios":
            well = scenarios(given.data, kernel)
        elif given.corpus == "history":
            well = history(Repository(given.data), given, kernel)
        else:
            found = answers(given.data.read_text())
            replies = [reply for reply, _ in found if SEARCH.search(reply)]
            print(f"{len(found)} replies, {len(replies)} with SEARCH blocks")
            parsed(replies, kernel)
            if given.repository:
                committed(found, Repository(given.repository), kernel)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
