//! Awkward replies, each as a SEARCH/REPLACE block and as a patch: right or refused.

use std::fs;

use super::{block, files};
use crate::world::World;

/// One change and the ways in which a reply may write it.
struct Case {
    name: &'static str,
    path: &'static str,
    before: &'static [u8],
    /// What the file holds afterwards; nothing where the reply must be refused.
    after: Option<&'static [u8]>,
    block: Option<String>,
    patch: Option<String>,
}

/// A case whose block and patch are given by what is found and put in its place.
fn case(
    name: &'static str,
    before: &'static str,
    after: Option<&'static str>,
    (search, replace): (&str, &str),
    hunk: &str,
) -> Case {
    let path = "lib/stock.py";
    Case {
        name,
        path,
        before: before.as_bytes(),
        after: after.map(str::as_bytes),
        block: Some(block(path, search, replace)),
        patch: Some(patch(path, hunk)),
    }
}

fn patch(path: &str, hunk: &str) -> String {
    format!("*** Begin Patch\n*** Update File: {path}\n{hunk}*** End Patch\n")
}

const STOCK: &str = "class Stock:\n    def count(self):\n        total = 0\n        return total\n\n    \
                     def clear(self):\n        self.items = []\n";

fn placed() -> Vec<Case> {
    let counted = "class Stock:\n    def count(self):\n        total = 1\n        return total\n\n    \
                   def clear(self):\n        self.items = []\n";
    let hunk = "@@\n     def count(self):\n-        total = 0\n+        total = 1\n";
    vec![
        case(
            "as it stands",
            STOCK,
            Some(counted),
            ("        total = 0\n", "        total = 1\n"),
            hunk,
        ),
        case(
            "blanks at the end of a line",
            STOCK,
            Some(counted),
            ("        total = 0  \t\n", "        total = 1\n"),
            "@@\n-        total = 0   \n+        total = 1\n",
        ),
        case(
            "not indented",
            STOCK,
            Some(counted),
            (
                "def count(self):\n    total = 0\n",
                "def count(self):\n    total = 1\n",
            ),
            "@@\n def count(self):\n-    total = 0\n+    total = 1\n",
        ),
        case(
            "tabs for spaces",
            STOCK,
            Some(counted),
            (
                "\tdef count(self):\n\t\ttotal = 0\n",
                "\tdef count(self):\n\t\ttotal = 1\n",
            ),
            "@@\n \tdef count(self):\n-\t\ttotal = 0\n+\t\ttotal = 1\n",
        ),
    ]
}

fn placed_loosely() -> Vec<Case> {
    vec![
        case(
            "a blank line left out after a changed one",
            STOCK,
            Some(
                "class Stock:\n    def count(self):\n        total = 0\n        return 7\n\n    def \
                 clear(self):\n        self.items = []\n",
            ),
            (
                "        return total\n    def clear(self):\n",
                "        return 7\n    def clear(self):\n",
            ),
            "@@\n-        return total\n+        return 7\n     def clear(self):\n",
        ),
        case(
            "a blank line left out",
            STOCK,
            Some(
                "class Stock:\n    def count(self):\n        total = 0\n        return total\n\n    \
                 def wipe(self):\n        self.items = []\n",
            ),
            (
                "        return total\n    def clear(self):\n",
                "        return total\n    def wipe(self):\n",
            ),
            "@@\n         return total\n-    def clear(self):\n+    def wipe(self):\n",
        ),
        case(
            "lines left out in the middle",
            STOCK,
            Some(
                "class Shop:\n    def count(self):\n        total = 0\n        return total\n\n    \
                  def clear(self):\n        self.items = {}\n",
            ),
            (
                "class Stock:\n...\n        self.items = []\n",
                "class Shop:\n...\n        self.items = {}\n",
            ),
            "@@\n-class Stock:\n+class Shop:\n ...\n-        self.items = []\n+        self.items = {}\n",
        ),
        case(
            "a dash and quotes of another kind",
            "note = \"2\u{2013}3 units\"  # \u{201c}few\u{201d}\nother = 1\n",
            Some("note = \"few\"\nother = 1\n"),
            ("note = \"2-3 units\"  # \"few\"\n", "note = \"few\"\n"),
            "@@\n-note = \"2-3 units\"  # \"few\"\n+note = \"few\"\n",
        ),
        case(
            "out of order",
            "w = 1\nx = 2\ny = 3\nz = 4\n",
            Some("w = 10\nx = 2\ny = 3\nz = 40\n"),
            (
                "z = 4\n",
                "z = 40\n>>>>>>> REPLACE\n```\n\nlib/stock.py\n```\n<<<<<<< SEARCH\nw = 1\n=======\nw = 10\n",
            ),
            "@@\n-z = 4\n+z = 40\n@@\n-w = 1\n+w = 10\n",
        ),
    ]
}

fn placed_at_the_ends() -> Vec<Case> {
    vec![
        case(
            "a divider among the lines",
            "Stock\n=======\nlist\n",
            Some("Goods\n=======\nlist\n"),
            ("Stock\n=======\nlist\n", "Goods\n=======\nlist\n"),
            "@@\n-Stock\n+Goods\n =======\n",
        ),
        case(
            "a file without last line end",
            "a = 1\nb = 2",
            Some("a = 1\nb = 3"),
            ("b = 2\n", "b = 3\n"),
            "@@\n a = 1\n-b = 2\n+b = 3\n",
        ),
    ]
}

fn doubtful() -> Vec<Case> {
    vec![
        case("two places", "a = 1\nb = 2\na = 1\n", None, ("a = 1\n", "a = 9\n"), "@@\n-a = 1\n+a = 9\n"),
        case("nothing to find", "a = 1\n", None, ("", "b = 2\n"), "@@\n+b = 2\n"),
        case("a near match", "limit = 100\n", None, ("limit = 10\n", "limit = 20\n"), "@@\n-limit = 10\n+limit = 20\n"),
        case(
            "one good and one bad",
            "a = 1\nb = 2\n",
            None,
            ("a = 1\n", "a = 9\n>>>>>>> REPLACE\n```\n\nlib/stock.py\n```\n<<<<<<< SEARCH\nqqq = 1\n=======\nqqq = 2\n"),
            "@@\n-a = 1\n+a = 9\n@@\n-qqq = 1\n+qqq = 2\n",
        ),
        Case {
            name: "the name of another file",
            block: Some(block("no/such.py", "a = 1\n", "a = 9\n")),
            patch: Some(patch("no/such.py", "@@\n-a = 1\n+a = 9\n")),
            ..case("", "a = 1\n", None, ("", ""), "")
        },
        Case {
            name: "out of the folder",
            block: Some(block("../escaped.txt", "", "x\n")),
            patch: Some("*** Begin Patch\n*** Add File: ../escaped.txt\n+x\n*** End Patch\n".to_owned()),
            ..case("", "a = 1\n", None, ("", ""), "")
        },
        Case {
            name: "into git's folder",
            block: Some(block(".git/hooks/post-commit", "", "#!/bin/sh\n")),
            patch: Some("*** Begin Patch\n*** Add File: .git/hooks/post-commit\n+#!/bin/sh\n*** End Patch\n".to_owned()),
            ..case("", "a = 1\n", None, ("", ""), "")
        },
        Case {
            name: "cut off",
            block: Some("lib/stock.py\n```\n<<<<<<< SEARCH\na = 1\n=======\na = 9\n".to_owned()),
            patch: Some("*** Begin Patch\n*** Update File: lib/stock.py\n@@\n-a = 1\n+a = 9\n".to_owned()),
            ..case("", "a = 1\n", None, ("", ""), "")
        },
    ]
}

/// A case that is written in one way only.
fn only(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    block: Option<&str>,
    patch: Option<String>,
) -> Case {
    Case {
        name,
        block: block.map(str::to_owned),
        patch,
        ..case("", before, Some(after), ("", ""), "")
    }
}

fn written_as_patches_alone() -> Vec<Case> {
    let twice = "class Inn:\n    def open(self):\n        pass\nclass Out:\n    def open(self):\n        pass\n";
    vec![
        only(
            "two scopes one below the other",
            twice,
            "class Inn:\n    def open(self):\n        pass\nclass Out:\n    def open(self):\n        return\n",
            None,
            Some(patch(
                "lib/stock.py",
                "@@ class Out:\n@@     def open(self):\n-        pass\n+        return\n",
            )),
        ),
        only(
            "context without its blank",
            "p = 1\nq = 2\nr = 3\n",
            "p = 1\nq = 8\nr = 3\n",
            None,
            Some(patch("lib/stock.py", "@@\np = 1\n-q = 2\n+q = 8\n")),
        ),
        only(
            "numbers as in a diff",
            "p = 1\nq = 2\n",
            "p = 1\nq = 8\n",
            None,
            Some(patch(
                "lib/stock.py",
                "@@ -1,2 +1,2 @@\n p = 1\n-q = 2\n+q = 8\n",
            )),
        ),
    ]
}

fn written_as_models_do() -> Vec<Case> {
    vec![
        only(
            "prose around a patch",
            "p = 1\n",
            "p = 8\n",
            None,
            Some(format!(
                "Here it is:\n\n{}\nThat is all.\n",
                patch("lib/stock.py", "@@\n-p = 1\n+p = 8\n")
            )),
        ),
        only(
            "a bold path",
            "p = 1\n",
            "p = 8\n",
            Some(
                "Done.\n\n**lib/stock.py**:\n```python\n<<<<<<< SEARCH\np = 1\n=======\np = 8\n>>>>>>> REPLACE\n```\nEnjoy!",
            ),
            None,
        ),
        only(
            "ten marks",
            "p = 1\n",
            "p = 8\n",
            Some(
                "lib/stock.py\n```\n<<<<<<<<<< SEARCH\np = 1\n==========\np = 8\n>>>>>>>>>> REPLACE\n```",
            ),
            None,
        ),
        only(
            "a diff",
            "p = 1\nq = 2\nr = 3\n",
            "p = 1\nq = 8\nr = 3\n",
            Some(
                "```diff\n--- a/lib/stock.py\n+++ b/lib/stock.py\n@@ -1,3 +1,3 @@\n p = 1\n-q = 2\n+q = 8\n r = 3\n```\n",
            ),
            None,
        ),
    ]
}

fn in_bytes() -> Vec<Case> {
    let bytes = |name, before, after| Case {
        name,
        before,
        after: Some(after),
        ..case(
            "",
            "",
            Some(""),
            ("k = 4\n", "k = 5\n"),
            "@@\n-k = 4\n+k = 5\n",
        )
    };
    vec![
        bytes(
            "line ends of two characters",
            b"j = 3\r\nk = 4\r\n",
            b"j = 3\r\nk = 5\r\n",
        ),
        bytes(
            "Latin-1",
            b"n = 'Ni\xf1o'\nk = 4\n",
            b"n = 'Ni\xf1o'\nk = 5\n",
        ),
        bytes(
            "a byte-order mark",
            b"\xef\xbb\xbfk = 4\nj = 3\n",
            b"\xef\xbb\xbfk = 5\nj = 3\n",
        ),
    ]
}

#[test]
fn awkward_replies_are_applied_exactly_or_refused_whole() {
    let cases = [
        placed(),
        placed_loosely(),
        placed_at_the_ends(),
        doubtful(),
        written_as_patches_alone(),
        written_as_models_do(),
        in_bytes(),
    ];
    for case in cases.iter().flatten() {
        for (form, reply) in [("block", &case.block), ("patch", &case.patch)] {
            let Some(reply) = reply else { continue };
            check(case, &format!("{} as a {form}", case.name), reply);
        }
    }
}

/// Applies a reply in a folder of its own, and looks at all that is there afterwards.
fn check(case: &Case, about: &str, reply: &str) {
    let world = World::offline();
    world.write(case.path, case.before);
    world.write("stays.txt", "stays\n");
    let before = files(&world.home.path());
    let ended = world.run_with(&["edit", "apply"], reply.as_bytes());
    if let Some(after) = case.after {
        assert_eq!(ended.code, Some(0), "{about}: {}", ended.all());
        let found = fs::read(world.folder().join(case.path)).unwrap();
        let (found, after) = (
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(after),
        );
        assert_eq!(found, after, "{about}");
        assert_eq!(files(&world.home.path()).len(), before.len(), "{about}");
    } else {
        assert_eq!(ended.code, Some(13), "{about}: {}", ended.all());
        assert_eq!(files(&world.home.path()), before, "{about}");
    }
}
