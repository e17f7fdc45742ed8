//! Names that are no text, as text and back.

use std::os::unix::ffi::OsStrExt as _;

use proptest::prelude::*;

use super::{os, text};

proptest! {
    #[test]
    fn every_name_comes_back(raw: Vec<u8>) {
        if let Some(text) = text(&raw) {
            let back = os(&text);
            prop_assert_eq!(back.as_bytes(), raw.as_slice());
        }
    }

    #[test]
    fn text_is_itself(name in "[a-zé/\u{10fe00}-\u{10feff}]{0,8}") {
        prop_assert_eq!(text(name.as_bytes()), Some(name.clone()));
        let back = os(&name);
        prop_assert_eq!(back.as_bytes(), name.as_bytes());
    }
}

#[test]
fn different_names_are_different_texts() {
    let byte = text(b"a\xff");
    assert_eq!(byte.as_deref(), Some("a\u{10ffff}"));
    // The character itself would be the same text.
    assert_eq!(text("a\u{10ffff}".as_bytes()), None);
}
