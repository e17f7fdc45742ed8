//! Results as the protocol writes them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn addresses_are_sha_256() {
    assert_eq!(
        address(b"").hash,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(address(b"abc").size_bytes, 3);
}

#[test]
fn a_result_comes_back_as_it_was() {
    let content = |text: &str| Content {
        digest: Digest::of(text),
        address: address(text.as_bytes()),
    };
    let contents = vec![content("a"), content("b")];
    let (record, back) = parts(&result(b"record", &contents)).unwrap();
    assert_eq!(record, address(b"record"));
    assert_eq!(back, contents);
}

#[test]
fn results_of_others_are_none_of_ours() {
    assert_eq!(parts(&ActionResult::default()), None);
    let mut foreign = result(b"record", &[]);
    foreign.output_files.push(OutputFile {
        path: "bin/program".to_owned(),
        digest: Some(address(b"x")),
        ..OutputFile::default()
    });
    assert_eq!(parts(&foreign), None);
}

#[test]
fn keys_have_actions_of_their_own() {
    let action = |text: &str| address(&named(&Digest::of(text)).action);
    assert_eq!(action("a"), action("a"));
    assert_ne!(action("a"), action("b"));
}
