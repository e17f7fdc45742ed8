//! Managed sections: tables and properties.

use proptest::prelude::*;

use crate::managed::{MergeError, merge};

fn check(existing: Option<&str>, sections: &[(&str, &str)], expected: &str) {
    assert_eq!(merge(existing, sections).unwrap(), expected);
}

fn a(text: &str) -> String {
    format!("<!-- atelier:begin a -->\n{text}<!-- atelier:end a -->\n")
}

fn b(text: &str) -> String {
    a(text).replace(" a ", " b ")
}

#[test]
fn nothing_becomes_sections() {
    check(None, &[], "");
    check(None, &[("a", "one")], &a("one\n"));
    check(
        Some(""),
        &[("a", "one\n\n"), ("b", "two")],
        &format!("{}\n{}", a("one\n"), b("two\n")),
    );
}

#[test]
fn a_section_that_is_there_gets_the_new_text_in_its_place() {
    let before = format!("# Mine\n\n{}between\n{}after", b("old\n"), a("old\nold\n"));
    let after = format!("# Mine\n\n{}between\n{}after", b("two\n"), a("one\n"));
    check(Some(&before), &[("a", "one"), ("b", "two")], &after);
}

#[test]
fn a_section_that_is_not_given_is_emptied_and_comes_back_in_its_place() {
    let before = format!("mine\n{}yours\n", a("old\n"));
    let emptied = format!("mine\n{}yours\n", a(""));
    check(Some(&before), &[], &emptied);
    check(
        Some(&emptied),
        &[("a", "new")],
        &format!("mine\n{}yours\n", a("new\n")),
    );
}

#[test]
fn a_new_section_goes_behind_the_one_before_it_else_before_the_next() {
    let only_a = format!("x\n\n{}\ny\n", a("1\n"));
    let expected = format!("x\n\n{}\n{}\ny\n", a("1\n"), b("2\n"));
    check(Some(&only_a), &[("a", "1"), ("b", "2")], &expected);
    let expected = format!("x\n\n{}\n{}\ny\n", b("2\n"), a("1\n"));
    check(Some(&only_a), &[("b", "2"), ("a", "1")], &expected);
}

#[test]
fn a_file_without_sections_keeps_every_byte_and_gets_them_at_its_end() {
    check(
        Some("mine"),
        &[("a", "1")],
        &format!("mine\n\n{}", a("1\n")),
    );
    check(
        Some("mine\n"),
        &[("a", "1")],
        &format!("mine\n\n{}", a("1\n")),
    );
    check(
        Some("mine\n\n"),
        &[("a", "1")],
        &format!("mine\n\n{}", a("1\n")),
    );
    check(
        Some("\u{feff}mine\n"),
        &[("a", "1")],
        &format!("\u{feff}mine\n\n{}", a("1\n")),
    );
    let open_fence = "```\nmine\n";
    check(
        Some(open_fence),
        &[("a", "1")],
        &format!("{open_fence}\n{}", a("1\n")),
    );
}

#[test]
fn a_marker_at_the_end_needs_no_line_break() {
    let cut = a("old\n").trim_end().to_owned();
    check(Some(&cut), &[("a", "1")], a("1\n").trim_end());
    let expected = format!(
        "{}\n{}\n{}",
        a("1\n"),
        b("2\n"),
        b("3\n").replace(" b ", " c ")
    );
    check(Some(&cut), &[("a", "1"), ("b", "2"), ("c", "3")], &expected);
}

#[test]
fn line_breaks_follow_those_around_the_sections() {
    let windows = |text: &str| text.replace('\n', "\r\n");
    check(
        Some("mine\r\nmine\r\n"),
        &[("a", "1\n2\r\n")],
        &windows(&format!("mine\nmine\n\n{}", a("1\n2\n"))),
    );
    let mixed = format!("mine\r\nmine\n{}", a("1\r\n2\r\n3\r\n"));
    check(
        Some(&mixed),
        &[("a", "9\n8")],
        &format!("mine\r\nmine\n{}", a("9\n8\n")),
    );
}

#[test]
fn a_marker_in_running_text_is_none() {
    let text = "The line `<!-- atelier:begin a -->` opens a section.\n";
    check(Some(text), &[("a", "1")], &format!("{text}\n{}", a("1\n")));
}

fn check_refused(text: &str, expected: &str) {
    let error = merge(Some(text), &[("a", "1")]).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn damaged_markers_are_refused_with_line_and_remedy() {
    let begin = "<!-- atelier:begin a -->\n";
    for broken in [
        "<!-- atelier:begin -->",
        "<!-- atelier:begin A -->",
        "<!-- atelier:begin a b -->",
        "<!-- atelier:start a -->",
        "<!-- atelier:begin a",
        "<!--atelier:begin a --> text",
        "  <!-- atelier: begin a -->x",
    ] {
        check_refused(
            &format!("mine\n{broken}\n"),
            "read the marker in line 2: write it as `<!-- atelier:begin ID -->` or \
             `<!-- atelier:end ID -->` alone on its line, or delete the line",
        );
    }
    check_refused(
        &format!("mine\n{begin}text\n"),
        "read section `a` of line 2: it has no end; put `<!-- atelier:end a -->` after its last \
         line",
    );
    check_refused(
        "mine\n<!-- atelier:end a -->\n",
        "read the end of section `a` in line 2: it was not begun; put \
         `<!-- atelier:begin a -->` before its first line, or delete the line",
    );
    check_refused(
        &format!("{begin}<!-- atelier:end b -->\n"),
        "read the end of section `b` in line 2: it was not begun; put \
         `<!-- atelier:begin b -->` before its first line, or delete the line",
    );
    check_refused(
        &format!("{begin}text\n<!-- atelier:begin b -->\n"),
        "read section `b` in line 3: it begins within section `a` of line 1; put \
         `<!-- atelier:end a -->` before it, or delete the line",
    );
    check_refused(
        &format!("{}{}", a("1\n"), a("2\n")),
        "read section `a` in line 4: it is already in line 1; delete one of the two",
    );
}

#[test]
fn sections_that_would_damage_a_file_are_refused() {
    let bad = |sections: &[(&str, &str)]| merge(None, sections).unwrap_err();
    let id = |id: &str| MergeError::BadId { id: id.to_owned() };
    assert_eq!(bad(&[("A", "")]), id("A"));
    assert_eq!(bad(&[("", "")]), id(""));
    assert_eq!(bad(&[("a", ""), ("a", "")]), id("a"));
    let text = "fine\n <!-- atelier:end a -->";
    let expected = MergeError::MarkerInText {
        id: "a".to_owned(),
        line: 2,
    };
    assert_eq!(bad(&[("a", text)]), expected);
}

/// Lines that matter to the merge, with every line break.
fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("<!-- atelier:begin a -->".to_owned()),
        Just("<!-- atelier:end a -->".to_owned()),
        Just("<!-- atelier:begin b -->".to_owned()),
        Just("<!-- atelier:end b -->".to_owned()),
        Just("```".to_owned()),
        Just(String::new()),
        "[a-z#<`é \u{feff}\r]{0,12}",
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n"), Just("")];
    prop::collection::vec((line, end), 0..14)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

/// What a person wrote: everything outside the sections, without white space that only parts
/// blocks.
fn outside(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        if line
            .trim_start_matches('\u{feff}')
            .trim()
            .starts_with("<!-- atelier:")
        {
            inside = line.contains("<!-- atelier:begin");
            out.extend(line.chars().filter(|c| *c == '\u{feff}'));
        } else if !inside {
            out.push_str(line);
        }
    }
    out.chars().filter(|c| !matches!(c, '\n' | '\r')).collect()
}

proptest! {
    #[test]
    fn merging_twice_is_merging_once(text in texts(), one in "[a-z\n#` ]{0,20}", two in "[a-z\n]{0,9}") {
        let sections = [("b", one.as_str()), ("a", two.as_str()), ("c", "last")];
        if let Ok(merged) = merge(Some(&text), &sections) {
            prop_assert_eq!(&merge(Some(&merged), &sections).unwrap(), &merged);
            prop_assert_eq!(outside(&merged), outside(&text));
        }
    }

    #[test]
    fn text_without_markers_is_kept_byte_for_byte(text in "[a-z#<!>`é \u{feff}\r\n-]{0,60}") {
        let merged = merge(Some(&text), &[("a", "1"), ("b", "2")]).unwrap();
        prop_assert!(merged.starts_with(&text));
        let other = merge(Some(&merged), &[("a", "3")]).unwrap();
        prop_assert!(other.starts_with(&text));
    }
}
