//! Shorter forms of sources: what goes, what stays, and that what stays can be read.

use super::{fixtures, path};
use crate::{LANGUAGES, check, skeleton, without_comments};

#[track_caller]
fn shorter(name: &str, text: &str, plain: &str, bones: &str) {
    assert_eq!(without_comments(&path(name), text).unwrap(), plain);
    assert_eq!(skeleton(&path(name), text).unwrap(), bones);
}

#[test]
fn rust_loses_comments_or_bodies() {
    shorter(
        "src/area.rs",
        "//! Areas.\n\n// Why not.\nuse std::fmt; // written\n\n/// The area.\npub fn area(a: u32 /* side */) -> u32 {\n    // Once.\n    let text = \"// no comment\";\n    a * a + text.len() as u32\n}\n\n\n\nstruct A;   \n",
        "use std::fmt;\n\npub fn area(a: u32  ) -> u32 {\n    let text = \"// no comment\";\n    a * a + text.len() as u32\n}\n\nstruct A;\n",
        "//! Areas.\n\nuse std::fmt;\n\n/// The area.\npub fn area(a: u32  ) -> u32 { … }\n\nstruct A;\n",
    );
}

#[test]
fn python_keeps_its_first_line_and_its_texts() {
    shorter(
        "tool.py",
        "#!/usr/bin/env python3\n# About.\nTEXT = \"\"\"a  \n\n\n# kept\n\"\"\"\n\nclass A:\n    def area(self, a):\n        # Once.\n        return a * a + len(TEXT)\n",
        "#!/usr/bin/env python3\nTEXT = \"\"\"a  \n\n\n# kept\n\"\"\"\n\nclass A:\n    def area(self, a):\n        return a * a + len(TEXT)\n",
        "#!/usr/bin/env python3\nTEXT = \"\"\"a  \n\n\n# kept\n\"\"\"\n\nclass A:\n    def area(self, a):\n        ...\n",
    );
}

#[test]
fn bodies_go_in_every_language_with_a_grammar() {
    for (name, text, bones) in [
        (
            "a.ts",
            "export const area = (a: number) => {\n  const b = a;\n  return a * b;\n};\nclass A {\n  side(): number {\n    return 1 + 1 + 1 + 1;\n  }\n}\n",
            "export const area = (a: number) => { … };\nclass A {\n  side(): number { … }\n}\n",
        ),
        (
            "a.go",
            "package a\n\n// Area is.\nfunc (s S) Area(a int) int {\n\treturn a * a * s.side\n}\n",
            "package a\n\nfunc (s S) Area(a int) int { … }\n",
        ),
        (
            "A.java",
            "class A {\n  /** Sides. */\n  A(int a) {\n    this.a = a + 1 + 2 + 3;\n  }\n  int area(int a) {\n    return a * a * this.a;\n  }\n}\n",
            "class A {\n  /** Sides. */\n  A(int a) { … }\n  int area(int a) { … }\n}\n",
        ),
    ] {
        assert_eq!(skeleton(&path(name), text).unwrap(), bones);
    }
}

#[test]
fn what_cannot_be_read_is_not_shortened() {
    for (name, text) in [("a.rs", "fn a( {"), ("a.txt", "# text"), ("a.json", "{}")] {
        assert_eq!(without_comments(&path(name), text), None, "{name}");
        assert_eq!(skeleton(&path(name), text), None, "{name}");
    }
}

#[test]
fn sources_without_comments_follow_their_grammar_and_are_not_longer() {
    let mut read = 0;
    for language in LANGUAGES {
        let folder = fixtures().join(language.name);
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for file in files.filter(|file| file.path().is_file()) {
            let name = file.file_name().into_string().unwrap();
            let Ok(text) = std::fs::read_to_string(file.path()) else {
                continue;
            };
            let Some(plain) = without_comments(&path(&name), &text) else {
                continue;
            };
            assert!(plain.len() <= text.len(), "{name}");
            assert_eq!(
                check(&path(&name), &plain),
                Some(Vec::new()),
                "{name}:\n{plain}"
            );
            assert_eq!(
                without_comments(&path(&name), &plain).as_ref(),
                Some(&plain),
                "{name}"
            );
            read += 1;
        }
    }
    assert!(read >= 5, "{read} sources are in {}", fixtures().display());
}
