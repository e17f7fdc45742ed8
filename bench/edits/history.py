"""The commits of a repository as replies: each change written in every form, its result known."""

import re
import subprocess

FILE_BYTES_MAX = 1_000_000
FILES_MAX = 20
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$")


class Repository:
    """A repository that is only read."""

    def __init__(self, folder):
        self.git = ["git", "-c", "core.quotePath=true", "--git-dir", str(folder)]
        self.blobs = subprocess.Popen([*self.git, "cat-file", "--batch"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, *argv):
        return subprocess.run([*self.git, *argv], check=True, capture_output=True).stdout

    def read(self, name):
        """A file as `commit:path`; None if it is not there or no file."""
        self.blobs.stdin.write(name.encode() + b"\n")
        self.blobs.stdin.flush()
        head = self.blobs.stdout.readline().split()
        if len(head) != 3:
            return None
        content = self.blobs.stdout.read(int(head[2]))
        self.blobs.stdout.read(1)
        return content if head[1] == b"blob" else None

    def has(self, commit):
        argv = [*self.git, "rev-parse", "--verify", "--quiet", commit + "^{commit}"]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0

    def commits(self, count):
        """Commits with one parent, spread evenly over the history."""
        every = self.run("rev-list", "--no-merges", "--min-parents=1", "HEAD").decode().split()
        return every[::max(1, len(every) // count)][:count]

    def change(self, commit):
        """What a commit did to its files, or None where a change is no change of text files."""
        if not self.has(commit + "^"):
            return None
        raw = self.run("diff-tree", "-r", "-M", "-z", "--no-commit-id", commit + "^", commit)
        fields = raw.decode("utf-8", "surrogateescape").split("\0")
        before, after = {}, {}
        while len(fields) > 1:
            old_mode, new_mode, _, _, status = fields.pop(0).lstrip(":").split()
            old = fields.pop(0)
            new = fields.pop(0) if status[0] in "RC" else old
            if {old_mode, new_mode} - {"000000", "100644", "100755"} or status[0] == "C":
                return None
            for mode, files, side, path in [(old_mode, before, commit + "^", old),
                                            (new_mode, after, commit, new)]:
                if mode != "000000":
                    content = self.read(f"{side}:{path}")
                    if content is None or b"\0" in content or len(content) > FILE_BYTES_MAX:
                        return None
                    files[path] = (content, mode == "100755")
        # A form cannot say that nothing but line endings changes.
        ends = {path: b"\r" in content for path, (content, _) in before.items()}
        if any(ends.get(path, b"\r" in content) != (b"\r" in content)
               for path, (content, _) in after.items()):
            return None
        return (before, after) if 0 < len(before | after) <= FILES_MAX else None

    def diff(self, commit, *options):
        return self.run("diff-tree", "-r", "-p", "-M", "--no-commit-id", "--no-color", *options,
                        commit + "^", commit)


class File:
    """One file of a diff: its paths, its header and its hunks of (sign, line) pairs."""

    def __init__(self):
        self.old = self.new = None
        self.header, self.hunks, self.heads = [], [], []
        self.unended = False

    def plain(self):
        """Whether its hunks say everything: no mode, no missing last line break, not empty."""
        modes = ("old mode", "new file mode 100755")
        named = self.old is not None or self.new is not None
        return named and not self.unended and not any(line.startswith(modes) for line in self.header)


def files_of(diff):
    """The files of a diff that git wrote with its usual prefixes."""
    files, left = [], (0, 0)
    for line in diff.split("\n"):
        if line.startswith("diff --git ") and left == (0, 0):
            files.append(File())
        if not files:
            continue
        file = files[-1]
        if left != (0, 0) and line[:1] in ("+", "-", " "):
            file.hunks[-1].append((line[0], line[1:]))
            left = (left[0] - (line[0] != "+"), left[1] - (line[0] != "-"))
        elif line.startswith("\\"):
            file.unended = True
        elif found := HUNK.match(line):
            file.heads.append(found.group(5))
            file.hunks.append([])
            left = tuple(int(found.group(at) or 1) for at in (2, 4))
        else:
            file.header.append(line)
            for start, name in (("--- ", "old"), ("+++ ", "new")):
                if line.startswith(start):
                    path = line[4:].rstrip("\t")
                    setattr(file, name, None if path == "/dev/null" else path[2:])
            for start, name in (("rename from ", "old"), ("rename to ", "new")):
                if line.startswith(start):
                    setattr(file, name, line[len(start):])
    return files


def text(lines, signs):
    return "".join(line + "\n" for sign, line in lines if sign in signs)


def patch_form(files, scopes=False):
    """The apply_patch form; None where it cannot say what the commit did."""
    out = ["*** Begin Patch\n"]
    for file in files:
        if not file.plain():
            return None
        if file.old is None:
            out.append(f"*** Add File: {file.new}\n")
            out.extend("+" + line + "\n" for hunk in file.hunks for _, line in hunk)
        elif file.new is None:
            out.append(f"*** Delete File: {file.old}\n")
        else:
            out.append(f"*** Update File: {file.old}\n")
            if file.new != file.old:
                out.append(f"*** Move to: {file.new}\n")
            for hunk, head in zip(file.hunks, file.heads):
                out.append(f"@@ {head.rstrip()}\n" if scopes and head.strip() else "@@\n")
                out.extend(sign + line + "\n" for sign, line in hunk)
    return "".join([*out, "*** End Patch\n"])


def blocks_form(files):
    """The SEARCH/REPLACE form; None where it cannot say what the commit did."""
    out = []
    for file in files:
        if not file.plain() or file.new is None or file.old not in (None, file.new):
            return None
        for hunk in file.hunks:
            out.append(f"`{file.new}`\n`````\n<<<<<<< SEARCH\n{text(hunk, ' -')}=======\n"
                       f"{text(hunk, ' +')}>>>>>>> REPLACE\n`````\n\n")
    return "Here are the changes.\n\n" + "".join(out) if out else None


def miscounted(diff, old, new):
    """The diff with hunks whose counts are wrong by so many lines."""
    def head(found):
        start, lines, to, more, tail = found.groups()
        return f"@@ -{start},{max(1, int(lines or 1) + old)} +{to},{max(1, int(more or 1) + new)} @@ {tail}"
    return re.sub(HUNK.pattern, head, diff, flags=re.MULTILINE)


def diff_of(repository, commit):
    """The files of a commit's diff; None where it is no text that can be sent."""
    try:
        return files_of(repository.diff(commit).decode())
    except UnicodeDecodeError:
        return None


def forms(repository, commit):
    """The change of a commit by the name of its form."""
    try:
        plain = repository.diff(commit).decode()
        near, far = (repository.diff(commit, option).decode() for option in ("-U1", "-U8"))
    except UnicodeDecodeError:
        return {}
    files = files_of(plain)
    numberless = re.sub(r"^@@ -\d\S* \+\d\S* @@.*$", "@@ ... @@", plain, flags=re.MULTILINE)
    fence = "The change:\n\n``````diff\n{}``````\n\nThat is all.\n".format
    found = {
        "git diff": plain,
        "git diff, one line of context": near,
        "git diff, eight lines of context": far,
        "git diff in a fence": fence(plain),
        "git diff without prefixes": repository.diff(commit, "--no-prefix").decode(),
        "git diff without numbers": numberless,
        "git diff in a fence, counts too large": fence(miscounted(plain, 1, 2)),
        "git diff in a fence, counts too small": fence(miscounted(plain, -1, -2)),
        "apply_patch": patch_form(files),
        "apply_patch with scopes": patch_form(files, scopes=True),
        "SEARCH/REPLACE": blocks_form(files),
    }
    return {name: reply for name, reply in found.items() if reply}
