//! Columns, cuts and breaks, with characters of every width.

use super::*;

#[test]
fn a_text_is_cut_by_columns_not_by_characters() {
    let check = |text: &str, columns: usize, expected: &str| {
        let cut = cut(text, columns);
        assert_eq!(cut, expected);
        assert!(cut.width() <= columns, "{cut} in {columns}");
    };
    check("build", 5, "build");
    check("build", 4, "bui…");
    check("build", 1, "…");
    check("build", 0, "");
    check("日本語", 6, "日本語");
    check("日本語", 5, "日本…");
    check("日本語", 4, "日…");
    check("e\u{301}te\u{301}", 3, "e\u{301}te\u{301}");
}

#[test]
fn a_column_is_always_as_wide_as_it_says() {
    for text in ["", "a", "日本語", "a longer text", "日x語"] {
        for columns in 0..20 {
            assert_eq!(
                column(text, columns).width(),
                columns,
                "{text} in {columns}"
            );
        }
    }
}

#[test]
fn a_row_keeps_the_tones_of_what_fits() {
    let row = Row::plain("one ")
        .add(Tone::Good, "two ")
        .add(Tone::Bad, "three");
    assert_eq!(row.fit(13), row);
    let expected = Row::plain("one ")
        .add(Tone::Good, "two ")
        .add(Tone::Bad, "t…");
    assert_eq!(row.fit(10), expected);
    assert_eq!(row.fit(8).text(), "one two…");
    for columns in 0..20 {
        assert!(row.fit(columns).width() <= columns);
    }
}

#[test]
fn a_text_breaks_between_words_and_loses_none() {
    let text = "a scaffold from built-in templates";
    assert_eq!(
        wrap(text, 14),
        ["a scaffold ", "from built-in ", "templates"]
    );
    assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    assert_eq!(wrap("", 4), [""]);
    for columns in 1..40 {
        assert_eq!(wrap(text, columns).concat(), text);
    }
}
