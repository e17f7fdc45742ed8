//! The table of toolchains holds together.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{TABLE, Table};

#[test]
fn the_table_can_be_read_and_every_action_is_pinned_to_a_commit() {
    let table: Table = toml::from_str(TABLE).unwrap();
    let hex = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(table.actions.values().all(|pin| hex(&pin.commit)));
    let fixed = [
        "actions/checkout",
        "actions/cache",
        "actions/upload-artifact",
    ];
    let used = table
        .toolchains
        .iter()
        .filter_map(|one| one.action.as_deref());
    for action in used.chain(fixed) {
        assert!(table.pin(action).is_some(), "{action}");
    }
    for toolchain in &table.toolchains {
        let patterns = toolchain.version.iter().flat_map(|rule| &rule.files);
        for pattern in patterns.filter_map(|file| file.pattern.as_ref()) {
            assert_eq!(pattern.problem(), None);
        }
    }
}
