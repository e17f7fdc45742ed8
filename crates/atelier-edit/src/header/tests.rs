//! Lines that name a file, and lines that do not.

use super::{lone_path, mentions, path_in_comment, path_in_info, path_of, renamed};

#[test]
fn lines_before_a_block_name_its_file() {
    let named = [
        "src/a.rs",
        "src/a.rs:",
        "`src/a.rs`",
        "`src/a.rs`:",
        "**src/a.rs**",
        "**src/a.rs**:",
        "**src/a.rs:**",
        "**`src/a.rs`**",
        "*src/a.rs*",
        "# src/a.rs",
        "### File: `src/a.rs`",
        "### File: src/a.rs",
        "### `src/a.rs`",
        "### 3. `src/a.rs`",
        "#### Create `src/a.rs`",
        "### New file: `src/a.rs`",
        "### `src/a.rs` (new)",
        "### `src/a.rs` — the entry point",
        "File: src/a.rs",
        "**File:** `src/a.rs`",
        "Filename: `src/a.rs`",
        "File path: src/a.rs",
        "- src/a.rs",
        "1. **`src/a.rs`**:",
        "2) src/a.rs",
        "> src/a.rs",
        "\"src/a.rs\"",
        "<path>src/a.rs</path>",
        "<file>src/a.rs</file>",
        "• src/a.rs",
        "## 📄 src/a.rs",
        "__src/a.rs__",
        "__src/a.rs__:",
        "src/a.rs:12",
        "`src/a.rs:12-14`:",
        "### [src/a.rs](src/a.rs)",
        "[`src/a.rs`](https://example.org/src/a.rs)",
    ];
    for line in named {
        assert_eq!(path_of(line), Some("src/a.rs"), "{line}");
    }
    let others = [
        ("Makefile", "Makefile"),
        ("`LICENSE`:", "LICENSE"),
        (".gitignore", ".gitignore"),
        (
            "### File: `.github/workflows/ci.yml`",
            ".github/workflows/ci.yml",
        ),
        ("**__init__.py**", "__init__.py"),
        ("tests/__init__.py:", "tests/__init__.py"),
        ("### File: `docs/My Notes.md`", "docs/My Notes.md"),
        ("### File: bin/tool", "bin/tool"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("../up.txt", "../up.txt"),
        ("### File: `/etc/passwd`", "/etc/passwd"),
        ("C:\\temp\\a.txt", "C:\\temp\\a.txt"),
    ];
    for (line, path) in others {
        assert_eq!(path_of(line), Some(path), "{line}");
    }
}

#[test]
fn prose_names_no_file() {
    let prose = [
        "",
        "Here is the new version:",
        "In `src/a.rs`:",
        "src/a.rs -> src/b.rs",
        "Add this to `src/a.rs`:",
        "Run it with `python a.py`:",
        "See src/a.rs for details.",
        "The file `src/a.rs` calls `b()`:",
        "Client/Server",
        "and/or",
        "Node.js:",
        "`GET /users`",
        "https://example.com/a.html",
        "e.g.",
        "Output:",
        "src/",
        "### Implementation Steps",
        "1. Change `src/a.rs` so that it prints",
        "version 1.2",
    ];
    for line in prose {
        assert_eq!(path_of(line), None, "{line}");
    }
}

#[test]
fn info_strings_name_a_file_in_many_ways() {
    let named = [
        "rust src/a.rs",
        "rust:src/a.rs",
        "src/a.rs",
        "rust title=\"src/a.rs\"",
        "rust title='src/a.rs'",
        "rust file=src/a.rs",
        "rust {filename=src/a.rs}",
        "rust path: src/a.rs",
    ];
    for info in named {
        assert_eq!(path_in_info(info), Some("src/a.rs"), "{info}");
    }
    for info in [
        "",
        "rust",
        "c++",
        "json5",
        "node.js",
        "rust,ignore",
        "js {1,3}",
        "text wrap",
    ] {
        assert_eq!(path_in_info(info), None, "{info}");
    }
}

#[test]
fn comments_name_a_file_if_they_consist_of_its_path() {
    let named = [
        "// src/a.rs",
        "# src/a.rs",
        "/* src/a.rs */",
        "<!-- src/a.rs -->",
        "-- src/a.rs",
        "// File: src/a.rs",
        "# filename: `src/a.rs`",
    ];
    for line in named {
        assert_eq!(path_in_comment(line, ""), Some("src/a.rs"), "{line}");
    }
    for line in [
        "#!/usr/bin/env",
        "# A title",
        "// see src/a.rs",
        "# src/",
        "#include <a.h>",
        "x",
    ] {
        assert_eq!(path_in_comment(line, ""), None, "{line}");
    }
    assert_eq!(path_in_comment("# README.md", "markdown"), None);
}

#[test]
fn a_word_alone_may_be_a_file() {
    for (line, path) in [
        ("bin/run", "bin/run"),
        ("**bin/run**:", "bin/run"),
        ("`.gitattributes`", ".gitattributes"),
        ("`Caddyfile`:", "Caddyfile"),
        ("**`CNAME`**", "CNAME"),
        ("### `x.code-workspace`", "x.code-workspace"),
    ] {
        assert_eq!(lone_path(line), Some(path), "{line}");
    }
    for line in [
        "",
        "Caddyfile",
        "done",
        "`main`",
        "`f(x)`",
        "`Two` words",
        "`a b`",
        "and so on.",
    ] {
        assert_eq!(lone_path(line), None, "{line}");
    }
}

#[test]
fn a_language_is_no_file() {
    for info in ["dockerfile", "makefile", "rust", "cmake", "diff", "gemfile"] {
        assert_eq!(path_in_info(info), None, "{info}");
    }
    assert_eq!(
        path_in_info("dockerfile docker/Dockerfile"),
        Some("docker/Dockerfile")
    );
}

#[test]
fn prose_mentions_files_and_code() {
    let paths = |line| {
        let mentions = mentions(line).into_iter();
        mentions
            .map(|mention| (mention.path, mention.sure))
            .collect::<Vec<_>>()
    };
    for line in [
        "In `src/a.rs`:",
        "### Step 1: Update `src/a.rs`",
        "In **src/a.rs**:",
    ] {
        assert_eq!(paths(line), [("src/a.rs", true)], "{line}");
    }
    for line in [
        "See src/a.rs.",
        "(as in src/a.rs:12), again",
        "run `cat`, src/a.rs",
    ] {
        assert_eq!(paths(line), [("src/a.rs", false)], "{line}");
    }
    assert_eq!(paths("In `bin/run`:"), [("bin/run", false)]);
    assert_eq!(paths("`a.py` or b.py"), [("a.py", true), ("b.py", false)]);
    for line in [
        "",
        "`self.count` and `step()`",
        "Vue.js, e.g. and/or",
        "see https://example.org/a.html",
    ] {
        assert!(paths(line).is_empty(), "{line}");
    }
}

#[test]
fn an_arrow_names_two_files() {
    for line in ["a.py -> b.py", "### `a.py` → `b.py`:", "File: a.py => b.py"] {
        assert_eq!(renamed(line), Some(("a.py", "b.py")), "{line}");
    }
    for line in ["a.py", "`a.py` - the entry", "a -> b", "f() -> int"] {
        assert_eq!(renamed(line), None, "{line}");
    }
}
