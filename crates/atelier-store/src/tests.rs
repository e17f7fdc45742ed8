//! Tests of the store.

use super::*;

#[tokio::test]
async fn an_empty_store_has_an_intact_log() {
    let store = Store::open_in_memory().await.unwrap();
    assert_eq!(store.events_verify().await.unwrap(), 0);
}
