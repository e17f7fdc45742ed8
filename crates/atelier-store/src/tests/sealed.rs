//! What is recorded of models lies sealed on the disk.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use atelier_model::Digest;
use atelier_seal::SealKey;

use super::{later, noon};
use crate::{Store, StoreError};

const PLANTED: &[u8] = b"planted: the words of a prompt that nobody else may read";

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes([byte; 32])
}

async fn open(folder: &Path, key: Option<SealKey>) -> Store {
    let store = Store::open(folder).await.unwrap();
    if let Some(key) = key {
        store.seal_with(key);
    }
    store
}

/// Whether any file of the folder holds these bytes.
fn holds(folder: &Path, part: &[u8]) -> bool {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    })
}

#[tokio::test]
async fn a_sealed_content_is_read_with_the_key_and_found_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(key(1))).await;
    let digest = store.blob_put(PLANTED).await.unwrap();
    assert_eq!(digest, Digest::of(PLANTED));
    assert_eq!(store.blob_fetch(&digest).await.unwrap().unwrap(), PLANTED);
    assert!(
        !holds(folder.path(), PLANTED),
        "in the log that is written ahead"
    );
    store.close().await;
    assert!(!holds(folder.path(), PLANTED), "in the database");
    assert!(!holds(folder.path(), &PLANTED[..24]));
}

#[tokio::test]
async fn without_the_key_a_sealed_content_is_refused_and_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(key(1))).await;
    let digest = store.blob_put(PLANTED).await.unwrap();
    store.close().await;
    let store = open(folder.path(), None).await;
    let error = store.blob_fetch(&digest).await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    store.seal_with(key(2));
    let error = store.blob_fetch(&digest).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn contents_from_before_are_read_and_sealed_when_they_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), None).await;
    let digest = store.blob_put(PLANTED).await.unwrap();
    let other = store.blob_put(b"other").await.unwrap();
    store.close().await;
    assert!(holds(folder.path(), PLANTED));
    let store = open(folder.path(), Some(key(1))).await;
    assert_eq!(store.blob_fetch(&digest).await.unwrap().unwrap(), PLANTED);
    assert_eq!(store.blob_counts().await.unwrap(), (0, 2));
    store.blob_put(PLANTED).await.unwrap();
    assert_eq!(store.blob_counts().await.unwrap(), (1, 1));
    assert_eq!(store.blob_fetch(&digest).await.unwrap().unwrap(), PLANTED);
    assert_eq!(store.blob_fetch(&other).await.unwrap().unwrap(), b"other");
    store.close().await;
    assert!(!holds(folder.path(), PLANTED), "the plain bytes are left");
}

#[tokio::test]
async fn everything_from_before_is_sealed_at_once_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), None).await;
    let mut digests = Vec::new();
    for number in 0..600 {
        let content = [PLANTED, number.to_string().as_bytes()].concat();
        digests.push(store.blob_put(&content).await.unwrap());
    }
    let error = store.blobs_seal().await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    store.seal_with(key(1));
    assert_eq!(store.blobs_seal().await.unwrap(), 600);
    assert_eq!(store.blobs_seal().await.unwrap(), 0);
    assert_eq!(store.blob_counts().await.unwrap(), (600, 0));
    assert!(!holds(folder.path(), PLANTED), "the plain bytes are left");
    for (number, digest) in digests.iter().enumerate() {
        let content = store.blob_fetch(digest).await.unwrap().unwrap();
        assert_eq!(content, [PLANTED, number.to_string().as_bytes()].concat());
    }
}

#[tokio::test]
async fn a_sealed_content_under_another_name_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(key(1))).await;
    let (one, other) = (
        store.blob_put(PLANTED).await.unwrap(),
        store.blob_put(b"other").await.unwrap(),
    );
    sqlx::query("UPDATE blobs SET data = (SELECT data FROM blobs WHERE digest = $1)")
        .bind(one.as_bytes().as_slice())
        .execute(store.writer())
        .await
        .unwrap();
    assert!(store.blob_fetch(&one).await.is_ok());
    let error = store.blob_fetch(&other).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_project_has_one_data_key_whoever_brings_it_first() {
    let store = Store::open_in_memory().await.unwrap();
    assert_eq!(store.data_key_fetch().await.unwrap(), None);
    let first = store.data_key_ensure(b"first", noon()).await.unwrap();
    let second = store.data_key_ensure(b"second", later(1)).await.unwrap();
    assert_eq!(
        (first.as_slice(), second.as_slice()),
        (&b"first"[..], &b"first"[..])
    );
    assert_eq!(store.data_key_fetch().await.unwrap().unwrap(), b"first");
}
