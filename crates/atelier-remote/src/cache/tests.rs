//! Addresses of caches.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[tokio::test]
async fn addresses_are_read_or_refused_by_name() {
    let read = |text: &str| Address::parse(text, None).map(|one| one.instance);
    assert_eq!(read("grpc://cache.example:9092"), Ok(String::new()));
    assert_eq!(
        read("grpc://cache.example:9092/main/one"),
        Ok("main/one".to_owned())
    );
    assert_eq!(read("grpcs://cache.example"), Ok(String::new()));
    for wrong in ["cache.example:9092", "http://cache.example", ""] {
        assert_eq!(read(wrong), Err(AddressError::Scheme(wrong.to_owned())));
    }
    for wrong in ["grpc://", "grpc:///x", "grpc://a b"] {
        assert_eq!(read(wrong), Err(AddressError::Host(wrong.to_owned())));
    }
}

#[test]
fn a_token_that_cannot_be_sent_is_refused() {
    let read = |token: &str| Address::parse("grpc://a:1", Some(token)).map(|_| ());
    assert_eq!(read("secret"), Ok(()));
    assert_eq!(read("line\nbreak"), Err(AddressError::Token));
}

#[tokio::test]
async fn nobody_there_is_said_and_lasts() {
    // Nothing listens on the port of `discard` of the loopback network.
    let address = Address::parse("grpc://127.0.0.1:9", None).unwrap();
    let error = SharedCache::new(&address).find(&Digest::of("key")).await;
    let error = error.unwrap_err();
    assert!(error.is_lasting(), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("ask the cache for a result: "), "{said}");
}
