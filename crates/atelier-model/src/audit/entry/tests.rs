//! The bytes of an entry, as foreign programs rely on them.

use super::{AuditLink, AuditNote};
use crate::{AuditEntry, Digest, audit::tests::note};

#[test]
fn an_entry_is_canonical_json_and_reads_back() {
    let link = AuditLink {
        seq: 9,
        hash: Digest::of("event"),
    };
    let entry = note(4, 1).numbered(4, Some(link));
    let body = entry.body();
    assert_eq!(
        body,
        concat!(
            r#"{"at":"2023-11-14T22:13:20.004Z","client":null,"event":{"hash":""#,
            "c1ecfbeddbc3ed1db0af2c8a8a4ebd9b5a3b8b07a1c2a8ebc2d7ad7c2f6e2a3c",
            r#"","seq":9},"fact":{"name":"key-1","provider":"openai","type":"key.used"},"#,
            r#""run":"run","seq":4,"task":null}"#
        )
        .replace(
            "c1ecfbeddbc3ed1db0af2c8a8a4ebd9b5a3b8b07a1c2a8ebc2d7ad7c2f6e2a3c",
            &Digest::of("event").to_string()
        )
    );
    assert_eq!(serde_json::from_str::<AuditEntry>(&body).ok(), Some(entry));
}

#[test]
fn every_field_of_a_note_decides_the_leaf() {
    let plain = note(4, 1);
    let others = [
        AuditNote {
            run: None,
            ..plain.clone()
        },
        AuditNote {
            client: Some("ci".to_owned()),
            ..plain.clone()
        },
        AuditNote {
            at: crate::Timestamp::from_millis(5),
            ..plain.clone()
        },
        note(4, 2),
    ];
    let body = plain.numbered(4, None).body();
    for other in others {
        let other = other.numbered(4, None).body();
        assert_ne!(AuditEntry::leaf(&other), AuditEntry::leaf(&body));
    }
}
