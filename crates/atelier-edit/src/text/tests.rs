//! Files taken apart and put together.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{Ending, Piece, Text};

fn same(bytes: &[u8]) -> Text {
    let text = Text::of(bytes).unwrap();
    assert_eq!(text.bytes(), bytes);
    text
}

#[test]
fn every_text_comes_together_as_it_was() {
    for bytes in [
        &b""[..],
        b"\n",
        b"a",
        b"a\nb\r\nc\rd\r\r\ne",
        b"\xef\xbb\xbfa\n",
        b"\xff\xfea\0\r\0\n\0",
        b"\xfe\xff\0a\0\n",
        b"a\0\n\0",
        b"caf\xe9 \x93x\x94\n",
        b"\xc3\xa9\xc3\xa9\xc3\xa9\xff\n",
        b"\xd0\xcf\xc1\xd3\xff\xfe\xd0\n",
        "\u{feff}a\u{2028}b\n".as_bytes(),
    ] {
        same(bytes);
    }
    for bytes in [&b"a\0b"[..], b"\xff\xfea", b"\xff\xfe\0\0a\0\0\0", b"\0"] {
        assert!(Text::of(bytes).is_none());
    }
}

#[test]
fn lines_end_where_any_system_ends_them() {
    assert_eq!(
        same(b"a\nb\r\nc\rd\r\r\ne").view(),
        ["a", "b", "c", "d\r", "e"]
    );
    assert_eq!(same(b"a\x0cb\x0bc\n").view(), ["a\x0cb\x0bc"]);
}

#[test]
fn new_lines_end_as_their_neighbours_do() {
    let put = |bytes: &[u8], range, pieces: &[Piece], ending| {
        let mut text = same(bytes);
        text.put(range, pieces.to_vec(), ending);
        text.bytes()
    };
    let new = |text: &str| Piece::New(text.to_owned());
    assert_eq!(
        put(b"a\r\nb\nc\n", 0..1, &[new("x")], Ending::Kept),
        b"x\r\nb\nc\n"
    );
    assert_eq!(
        put(b"a\r\nb\r\nc\n", 2..2, &[new("x")], Ending::Kept),
        b"a\r\nb\r\nx\r\nc\n"
    );
    assert_eq!(
        put(b"a\nb", 1..2, &[Piece::Kept(1), new("x")], Ending::Kept),
        b"a\nb\nx"
    );
    assert_eq!(put(b"a\nb", 1..2, &[], Ending::Kept), b"a");
    assert_eq!(put(b"a\nb", 1..2, &[], Ending::Closed), b"a\n");
    assert_eq!(put(b"a\nb\n", 1..2, &[new("c")], Ending::Open), b"a\nc");
    assert_eq!(
        put(
            b"a\nb\nc\n",
            0..3,
            &[Piece::Kept(2), Piece::Kept(0)],
            Ending::Kept
        ),
        b"c\na\n"
    );
}

#[test]
fn a_new_content_is_written_in_the_manner_of_the_file() {
    let manner = |bytes: &[u8], content| same(bytes).manner(content);
    assert_eq!(manner(b"a\r\nb\r\n", "x\ny\n").unwrap(), b"x\r\ny\r\n");
    assert_eq!(manner(b"a\r\nb\nc\n", "c\na\nx").unwrap(), b"c\na\r\nx");
    assert_eq!(
        manner(b"\xef\xbb\xbfa\n", "b\n").unwrap(),
        b"\xef\xbb\xbfb\n"
    );
    assert_eq!(manner(b"caf\xe9\n", "th\u{e9}\n").unwrap(), b"th\xe9\n");
    assert_eq!(manner(b"caf\xe9\n", "\u{20ac}\n"), Err('\u{20ac}'));
    assert_eq!(
        manner(b"\xff\xfea\0\n\0", "b\n").unwrap(),
        b"\xff\xfeb\0\n\0"
    );
}
