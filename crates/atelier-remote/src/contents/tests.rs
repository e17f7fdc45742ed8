//! How contents are put together into messages.

use super::*;

#[test]
fn messages_stay_below_what_servers_take() {
    let sizes: Vec<i64> = (0..5_000).map(|n| (n * 7_919) % 400_000).collect();
    let batches = batches(sizes.clone(), |size| *size);
    assert_eq!(batches.iter().flatten().copied().collect::<Vec<_>>(), sizes);
    assert!(batches.iter().all(|one| one.len() <= BATCH_MAX));
    let mut bytes = batches.iter().map(|one| one.iter().sum::<i64>());
    assert!(bytes.all(|sum| sum <= BATCH_BYTES_MAX));
}

#[test]
fn what_is_too_large_is_alone() {
    let batches = batches(vec![1, BATCH_BYTES_MAX + 1, 2], |size| *size);
    assert_eq!(batches, vec![vec![1], vec![BATCH_BYTES_MAX + 1], vec![2]]);
}

#[test]
fn another_content_is_not_believed() {
    assert!(verified(&address(b"right"), b"right").is_ok());
    assert!(verified(&address(b"right"), b"wrong").is_err());
}
