//! What was written is what is read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{Reader, Writer};

proptest! {
    #[test]
    fn values_come_back(number: u64, signed: i64, bytes: Vec<u8>, text: String) {
        let mut writer = Writer::default();
        writer.number(number);
        writer.signed(signed);
        writer.bytes(&bytes);
        writer.text(&text);
        let written = writer.finish();
        let mut reader = Reader::new(&written);
        prop_assert_eq!(reader.number(), Some(number));
        prop_assert_eq!(reader.signed(), Some(signed));
        prop_assert_eq!(reader.bytes(), Some(bytes.as_slice()));
        prop_assert_eq!(reader.text(), Some(text.as_str()));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn anything_else_is_none_and_no_panic(bytes: Vec<u8>) {
        let mut reader = Reader::new(&bytes);
        let mut read = 0_usize;
        while reader.bytes().is_some() {
            read += 1;
        }
        prop_assert!(read <= bytes.len());
        prop_assert!(Reader::new(&bytes).raw(bytes.len() + 1).is_none());
    }
}

#[test]
fn small_numbers_are_short_and_long_ones_end() {
    let mut writer = Writer::default();
    writer.number(127);
    assert_eq!(writer.finish(), [127]);
    assert_eq!(Reader::new(&[0xff; 11]).number(), None);
    // The tenth byte has room for one bit.
    let most = [&[0xff; 9][..], &[1]].concat();
    assert_eq!(Reader::new(&most).number().unwrap(), u64::MAX);
    let more = [&[0xff; 9][..], &[2]].concat();
    assert_eq!(Reader::new(&more).number(), None);
}
