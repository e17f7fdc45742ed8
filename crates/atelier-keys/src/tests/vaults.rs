//! Vaults: the data keys of projects.

use super::World;

#[test]
fn a_data_key_opens_with_the_master_key_that_sealed_it() {
    let (world, other) = (World::new(), World::new());
    let vault = world.vault();
    let (key, sealed) = vault.data_key_new().unwrap();
    assert_eq!(vault.data_key_open(&sealed).unwrap(), key);
    assert_eq!(world.vault().data_key_open(&sealed).unwrap(), key);
    assert!(other.vault().data_key_open(&sealed).is_err());
    let (second, _) = vault.data_key_new().unwrap();
    assert_ne!(second, key);
}
