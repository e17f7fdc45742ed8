//! Names that sources of each language define.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::TreePath;

use super::definitions;

#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let found = definitions(&TreePath::parse(path).unwrap(), text).unwrap();
    let told: Vec<String> = found
        .iter()
        .map(|one| format!("{}:{}", one.name, one.line))
        .collect();
    assert_eq!(told, expected, "{text}");
}

#[test]
fn every_language_has_its_definitions() {
    check(
        "src/a.rs",
        "pub struct Span { minutes: u64 }\nenum Unit { Hour, Day }\nimpl Span {\n    fn of(a: u64) -> Self { todo(a) }\n}\nconst MAX: u64 = 1;\nmod inner {}\ntrait Reads { fn read(&self); }\nmacro_rules! wide { () => {} }\ntype Short = u8;\n",
        &[
            "Span:1",
            "minutes:1",
            "Unit:2",
            "Hour:2",
            "Day:2",
            "of:4",
            "MAX:6",
            "inner:7",
            "Reads:8",
            "read:8",
            "wide:9",
            "Short:10",
        ],
    );
    check(
        "a.py",
        "UNITS = {}\n\nclass Span:\n    def minutes(self):\n        return 1\n\nasync def later():\n    pass\n",
        &["UNITS:1", "Span:3", "minutes:4", "later:7"],
    );
    check(
        "a.ts",
        "export const units = 1;\nexport function minutes(text: string) {}\nclass Span { read() {} }\ninterface Reads { read(): void }\ntype Short = number;\nenum Unit { Hour }\n",
        &[
            "units:1",
            "minutes:2",
            "Span:3",
            "read:3",
            "Reads:4",
            "read:4",
            "Short:5",
            "Unit:6",
        ],
    );
    check(
        "a.go",
        "package a\n\ntype Span struct { Minutes int }\n\nfunc (s Span) Read() {}\n\nconst Max = 1\n\nvar units = 2\n",
        &["Span:3", "Minutes:3", "Read:5", "Max:7", "units:9"],
    );
    check(
        "A.java",
        "class A {\n  static final int MAX = 1;\n  int read() { return 1; }\n}\n",
        &["A:1", "MAX:2", "read:3"],
    );
}

#[test]
fn what_has_no_grammar_has_no_definitions() {
    let path = TreePath::parse("notes.txt").unwrap();
    assert_eq!(definitions(&path, "fn a() {}"), None);
}
