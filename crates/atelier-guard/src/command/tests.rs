//! The judgement is held against labelled lines, the rules against their own examples, and the
//! reading against anything at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Judgement, Verdict, Workspace, code, field, judge, parse, rule::Rules};

/// A label, a line (␤ for a newline) and why, between tabs.
const LINES: &str = include_str!("tests/lines.tsv");

fn judged(line: &str) -> Verdict {
    let workspace = Workspace::new("/code/project", "/home/dev");
    judge(&line.replace('␤', "\n"), &workspace)
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINES.lines().map(|line| {
        let (label, rest) = line.split_once('\t').unwrap();
        let (line, _) = rest.rsplit_once('\t').unwrap();
        (label, line)
    })
}

#[test]
fn every_labelled_line_is_judged_as_labelled() {
    let mut wrong = String::new();
    for (label, line) in lines() {
        let verdict = judged(line);
        if verdict.verdict.word() != label {
            writeln!(wrong, "{label}: {line}\n  {verdict:?}").unwrap();
        }
    }
    assert_eq!(wrong, "");
    assert!(lines().count() >= 400);
}

#[test]
fn a_home_in_a_temporary_folder_is_a_home() {
    let workspace = Workspace::new("/tmp/run/project", "/tmp/run/home");
    for (line, expected) in [
        ("rm -rf ~", Judgement::Forbid),
        ("rm -rf \"$HOME\"/*", Judgement::Forbid),
        ("rm -rf /tmp/run/home", Judgement::Forbid),
        ("sh -c 'rm -rf ~'", Judgement::Forbid),
        ("rm -rf build /tmp/other", Judgement::Allow),
    ] {
        assert_eq!(judge(line, &workspace).verdict, expected, "{line}");
    }
    // Where the temporary folder itself is the home, everybody works in it.
    let workspace = Workspace::new("/code/project", "/tmp");
    assert_eq!(
        judge("rm -rf /tmp/mine", &workspace).verdict,
        Judgement::Allow
    );
}

#[test]
fn every_rule_proves_its_examples() {
    let mut wrong = String::new();
    for rule in Rules::builtin().all() {
        for line in &rule.matching {
            let verdict = judged(line);
            if verdict.verdict < rule.verdict || !rule.is_named_for(line) {
                writeln!(wrong, "{}: {line}\n  {verdict:?}", rule.name).unwrap();
            }
        }
        for line in &rule.not_match {
            if rule.is_named_for(line) {
                writeln!(wrong, "{}: speaks of {line}", rule.name).unwrap();
            }
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn every_pattern_is_one() {
    for rule in Rules::builtin().all() {
        assert!(rule.patterns_compile(), "{}", rule.name);
    }
    assert!(code::patterns_compile());
}

#[test]
fn what_cannot_be_read_is_asked_about() {
    let many = "a ".repeat(40_000);
    for line in ["if", "(", "a |", "'", "ls \u{0}", "\u{5}", "x=$(", &many] {
        assert_eq!(judged(line).verdict, Judgement::Ask, "{line:.20}");
    }
}

#[test]
fn no_depth_exhausts_the_stack() {
    let openings = [
        "$(",
        "(",
        "((",
        "{ ",
        "if ",
        "while ",
        "`",
        "\"$(",
        "${x:-",
        "<(",
        "$((",
        "case x in x) ",
        "for i in a; do ",
        "! ",
        "f() ",
        "[[ ",
        "x=(",
        "@(",
        "until ",
        "coproc ",
        "function f ",
        "env ",
        "eval ",
        "sh -c ",
        "xargs ",
        "time ",
        "a|",
        "a&&",
        "{a,",
        "$'",
        "<<E ",
        "\\\n",
        "command ",
        "trap ",
        "find -exec ",
        "nice ",
        "/*",
        "**",
        "\u{1}",
    ];
    for opening in openings {
        for count in [50, 1_000, 20_000] {
            judged(&opening.repeat(count));
            judged(&format!("{}ls{}", opening.repeat(count), ")".repeat(count)));
        }
    }
}

#[test]
fn nested_lines_are_looked_through_or_asked_about() {
    let mut line = "rm -rf /usr".to_owned();
    for depth in 0..12 {
        let verdict = judged(&line).verdict;
        assert!(verdict > Judgement::Allow, "{depth}");
        line = format!("sh -c '{}'", line.replace('\'', r"'\''"));
    }
    let doubling = (0..30).fold("f0() { ls; }".to_owned(), |made, at| {
        format!("{made}; f{}() {{ f{at}; f{at}; }}", at + 1)
    });
    assert_eq!(judged(&format!("{doubling}; f30")).verdict, Judgement::Ask);
}

#[test]
fn nothing_hides_behind_many() {
    let names = |count: usize, between: &str| {
        let names: Vec<String> = (0..count).map(|at| format!("a{at}")).collect();
        names.join(between)
    };
    for count in [20, 100, 400, 3_000] {
        let (commas, blanks) = (names(count, ","), names(count, " "));
        for line in [
            format!("rm -rf {{{commas},/usr}}"),
            format!("for d in {blanks} /usr; do rm -rf $d; done"),
            format!("x='{blanks} /usr'; rm -rf $x"),
            format!("rm -rf {blanks} /usr"),
            format!("echo {blanks} /usr | xargs rm -rf"),
            format!("{} rm -rf /usr", "true;".repeat(count)),
        ] {
            let verdict = judged(&line).verdict;
            assert!(verdict > Judgement::Allow, "{count}: {line:.40}");
        }
    }
}

#[test]
fn a_path_is_judged_from_where_it_is_used() {
    let workspace = Workspace::new("/home/dev/code/app/", "/home/dev");
    let verdict = |line: &str| judge(line, &workspace).verdict;
    assert_eq!(verdict("rm -rf build"), Judgement::Allow);
    assert_eq!(verdict("rm -rf ~/code/app/build"), Judgement::Allow);
    assert_eq!(verdict("rm -rf ~/code/app"), Judgement::Forbid);
    assert_eq!(verdict("rm -rf ~/code"), Judgement::Forbid);
    assert_eq!(verdict("cd sub/.. && rm -rf ./x"), Judgement::Allow);
    assert_eq!(verdict("cd sub; rm -rf ../../y"), Judgement::Forbid);
}

#[test]
fn what_is_beside_a_temporary_workspace_is_not_its_own() {
    for root in ["/tmp/app", "/tmp/deep/app"] {
        let workspace = Workspace::new(root, "/root");
        let verdict = |line: &str| judge(line, &workspace).verdict;
        for line in [
            "rm -rf ..",
            "rm -rf ../*",
            "rm -rf ../x",
            "cd .. && rm -rf x",
            "cd .. && rm -rf *",
            "rm -rf $PWD/../x",
        ] {
            assert_eq!(verdict(line), Judgement::Forbid, "{root}: {line}");
        }
        assert_eq!(verdict("mv a ../b"), Judgement::Ask);
        assert_eq!(verdict("rm -rf /tmp/scratch"), Judgement::Allow);
        assert_eq!(verdict("cd /tmp/scratch && rm -rf x"), Judgement::Allow);
        assert_eq!(verdict("rm -rf build"), Judgement::Allow);
    }
}

#[test]
fn a_pattern_could_be_what_the_shell_would_find() {
    let could_be =
        |pattern: &str, text: &str| field::could_be(pattern, &field::with_patterns(text));
    assert!(could_be("/etc/shadow", "/etc/sh*"));
    assert!(could_be("/etc/shadow", "/e?c/*w"));
    assert!(could_be("/etc/**", "/etc/ssl/x"));
    assert!(could_be("/etc/shadow", "/etc/[rs]hadow"));
    assert!(!could_be("/etc/shadow", "/*"));
    assert!(!could_be("/home/*/.netrc", "/home/dev/*"));
    assert!(could_be("/home/*/.netrc", "/home/*/.*"));
}

const VALID: &[&str] = &[
    "a; b & c",
    "a |& b",
    "if a; then b; elif c; then d; else e; fi",
    "for x; do y; done",
    "case $x in (a|b) c;; *) d; esac",
    "f() { a; }",
    "function f { a; }",
    "a <<E\n$x\nE\nb",
    "x=(a b [3]=c)",
    "((x++)) && let y=1",
    "[[ $a =~ ^(x|y)$ && -f b ]]",
    "a 2>&1 >&2 <&-",
    "a {x}>b",
    "until a; do b; done < c",
    "! a | b",
    "time -p a",
    "echo ${x//a/b} ${#x} ${x:1:2}",
    "a \\\n b",
    "# only",
    "",
    "{ a; } 2> b",
    "(a; b) | c",
    "echo $'a\\'b' \"a\\\"b\" 'c'",
    "for ((i=0; i<3; i++)) { a; }",
    "select x in a; do b; done",
    "cat <<-'E'\n\ta\n\tE\n",
    "a <<A <<B\n1\nA\n2\nB\nc",
    "echo a#b",
    "echo }",
    "x=1 y=2 a",
    "declare -a x=(a b)",
    "coproc a",
    "echo `a \\`b\\``",
    "echo \"$(a \"$(b)\")\"",
    "a && # why\n b",
];
const BROKEN: &[&str] = &[
    "a |",
    "| a",
    "a && ",
    "&& a",
    "if a; fi",
    "if a; then; fi",
    "for x in a; b",
    "done",
    "fi",
    "then",
    "}",
    ")",
    "(",
    "()",
    "{ a;",
    "a )",
    "case x in a) b",
    "a <",
    "a >> ",
    "'a",
    "\"a",
    "$(a",
    "`a",
    "${a",
    "a;;",
    ";a",
    "& a",
    "while a; done",
    "function",
    "[[ a",
    "x=(a",
    "a & ; b",
];

#[test]
fn valid_and_broken_lines_are_told_apart() {
    for line in VALID {
        assert!(
            parse::parse(line).is_ok(),
            "{line}: {:?}",
            parse::parse(line).err()
        );
    }
    for line in BROKEN {
        assert!(parse::parse(line).is_err(), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn anything_gets_an_answer(line in "\\PC{0,200}") {
        judged(&line);
    }

    #[test]
    fn shell_signs_get_an_answer(
        line in "([a-z /~.*?]|[$(){}<>|&;'\"`#!=\\[\\]@:%,+^\\\\\n-]|rm|eval|if |do |\\$\\(|<<E\n){0,60}"
    ) {
        judged(&line);
    }

    #[test]
    fn a_changed_line_gets_an_answer(
        at in any::<prop::sample::Index>(),
        with in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let all: Vec<&str> = lines().map(|(_, line)| line).collect();
        let (one, other) = (at.get(&all), with.get(&all));
        let begin: String = one.chars().take(cut.index(one.chars().count() + 1)).collect();
        let end: String = other.chars().skip(cut.index(other.chars().count() + 1)).collect();
        judged(&format!("{begin}{end}"));
        judged(&format!("{end}; {one}"));
    }

    #[test]
    fn more_lines_are_never_judged_milder(
        at in any::<prop::sample::Index>(),
        before in prop::sample::select(vec!["ls; ", "true && ", "cd .; ", "x=1; ", "make -j2; "]),
    ) {
        let all: Vec<&str> = lines().map(|(_, line)| line).collect();
        let line = at.get(&all);
        let longer = format!("{before}{line}");
        prop_assert!(judged(&longer).verdict >= judged(line).verdict);
    }
}
