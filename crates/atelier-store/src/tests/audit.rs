//! The audit log: written with what it records, signed, copied, and checked past all guards.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use atelier_model::{AuditEntry, AuditFact, AuditNote, MicroUsd, Tampering};
use tempfile::TempDir;

use super::{ask, later, memory, noon, prompt, reply, run};
use crate::{AuditTrust, Notary, NotaryError, RunBudgets, Store};

const SEED: [u8; 32] = [7; 32];

/// A project's state and the user's folder beside it.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn user(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    fn notary(&self) -> Notary {
        Notary::open(&self.user(), &self.state(), &SEED).unwrap()
    }

    async fn store(&self) -> Store {
        let store = Store::open(&self.state()).await.unwrap();
        store.audit_sign_with(self.notary());
        store
    }

    fn trust(&self) -> AuditTrust {
        AuditTrust::read(&self.user(), &self.state()).unwrap()
    }

    async fn found(&self, store: &Store) -> Vec<Tampering> {
        store.audit_verify(&self.trust()).await.unwrap().tamperings
    }
}

fn used(name: &str) -> AuditNote {
    let fact = AuditFact::KeyUsed {
        provider: "stand-in".to_owned(),
        name: name.to_owned(),
    };
    AuditNote::new(fact, noon())
}

/// Three asks of a run, one of them twice as dear as the budget.
async fn asked(store: &Store) {
    store.run_create(&run("r1")).await.unwrap();
    for id in ["a1", "a2", "a3"] {
        let record = ask("r1", id, 1_000);
        store
            .ask_begin(&record, &prompt(id), RunBudgets::default())
            .await
            .unwrap();
        let answer = reply(&record, 900);
        store
            .ask_finish(&record.id, &answer, RunBudgets::default(), later(5))
            .await
            .unwrap();
    }
    let dear = ask("r1", "a4", 4_000_000);
    let budget = Some(MicroUsd(2_000_000));
    assert!(
        store
            .ask_begin(&dear, &prompt("a4"), budget.into())
            .await
            .is_err()
    );
}

async fn entries(store: &Store) -> Vec<AuditEntry> {
    let rows = store.audit_rows(0, 1_000).await.unwrap();
    let read = |row: &crate::AuditRow| serde_json::from_str(&row.body).unwrap();
    rows.iter().map(read).collect()
}

async fn kinds(store: &Store) -> Vec<&'static str> {
    let entries = entries(store).await;
    entries.iter().map(|entry| entry.fact.name()).collect()
}

/// Changes the database past all guards, as somebody with a tool of their own could.
async fn tamper(store: &Store, changes: &[&'static str]) {
    for guard in [
        "DROP TRIGGER IF EXISTS audit_entries_no_update",
        "DROP TRIGGER IF EXISTS audit_entries_no_delete",
        "DROP TRIGGER IF EXISTS audit_checkpoints_no_update",
        "DROP TRIGGER IF EXISTS audit_checkpoints_no_delete",
        "DROP TRIGGER IF EXISTS audit_head_forward",
        "DROP TRIGGER IF EXISTS audit_head_no_delete",
        "DROP TRIGGER IF EXISTS events_no_update",
        "DROP TRIGGER IF EXISTS chain_head_forward",
    ] {
        sqlx::query(guard).execute(store.writer()).await.unwrap();
    }
    for change in changes {
        sqlx::query(*change).execute(store.writer()).await.unwrap();
    }
}

#[tokio::test]
async fn every_ask_is_on_record_signed_and_copied_with_its_events() {
    let world = World::new();
    let store = world.store().await;
    asked(&store).await;
    let one = ["ask.started", "ask.finished"];
    let expected = [one.as_slice(), &one, &one, &["budget.refused"]].concat();
    assert_eq!(kinds(&store).await, expected);
    for (seq, entry) in (1..).zip(entries(&store).await) {
        assert_eq!(entry.seq, seq);
        assert!(entry.event.is_some() && entry.run.is_some());
    }
    let report = store.audit_verify(&world.trust()).await.unwrap();
    assert_eq!((report.tamperings, report.entries), (Vec::new(), 7));
    // Each change was signed, so that nothing ever waits for a signature.
    assert_eq!(report.checkpoints, 7);
    let newest = store.audit_newest().await.unwrap().unwrap();
    let trust = world.trust();
    let copies: Vec<_> = trust.copies.iter().map(|(_, copy)| copy).collect();
    assert_eq!(copies, [&newest]);
    assert_eq!(report.root, Some(newest.root));
}

#[tokio::test]
async fn notes_are_written_with_the_next_change_and_survive_one_that_fails() {
    let world = World::new();
    let store = world.store().await;
    for number in 0..20 {
        store.audit_note(used(&format!("key-{number}")));
    }
    assert_eq!(store.audit_size().await.unwrap(), 0);
    sqlx::query(
        "CREATE TRIGGER full BEFORE INSERT ON audit_entries WHEN NEW.seq = 19
         BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .execute(store.writer())
    .await
    .unwrap();
    assert!(store.audit_flush().await.is_err());
    assert!(store.run_create(&run("r1")).await.is_err());
    assert_eq!(store.audit_size().await.unwrap(), 0);
    assert!(store.run_list(9).await.unwrap().is_empty());
    sqlx::query("DROP TRIGGER full")
        .execute(store.writer())
        .await
        .unwrap();
    store.run_create(&run("r1")).await.unwrap();
    let names: Vec<_> = entries(&store).await;
    let names: Vec<_> = names
        .iter()
        .filter_map(|entry| entry.fact.key_name())
        .collect();
    let expected: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    assert_eq!(names, expected);
    // Nothing is left, and what has nothing to say signs nothing.
    store.audit_flush().await.unwrap();
    assert_eq!(store.audit_checkpoints(0, 9).await.unwrap().len(), 1);
    assert_eq!(world.found(&store).await, []);
}

#[tokio::test]
async fn two_processes_write_one_log() {
    let world = World::new();
    let (left, right) = (world.store().await, world.store().await);
    for number in 0..10 {
        left.audit_note(used(&format!("left-{number}")));
        right.audit_note(used(&format!("right-{number}")));
        let (one, other) = tokio::join!(left.audit_flush(), right.audit_flush());
        one.unwrap();
        other.unwrap();
    }
    assert_eq!(left.audit_size().await.unwrap(), 20);
    assert_eq!(world.found(&right).await, []);
    let newest = left.audit_newest().await.unwrap().unwrap();
    assert_eq!(world.trust().copies.len(), 1);
    assert_eq!(world.trust().copies[0].1, newest);
}

#[tokio::test]
async fn a_changed_database_is_found_and_located() {
    let cases: [(&[&'static str], &[Tampering]); 9] = [
        (
            &["UPDATE audit_entries SET body = replace(body, 'small', 'large') WHERE seq = 3"],
            &[Tampering::Changed { seq: 3 }],
        ),
        (
            &["UPDATE audit_entries SET leaf = zeroblob(32) WHERE seq = 4"],
            &[Tampering::Changed { seq: 4 }],
        ),
        (
            &["DELETE FROM audit_entries WHERE seq IN (2, 3)"],
            &[Tampering::Missing { first: 2, last: 3 }],
        ),
        (
            &["UPDATE audit_entries SET seq = 70 WHERE seq = 7"],
            &[
                Tampering::Missing { first: 7, last: 69 },
                Tampering::Moved { seq: 70, claims: 7 },
            ],
        ),
        (
            &["DELETE FROM audit_entries WHERE seq > 5"],
            &[Tampering::Truncated { first: 6, last: 7 }],
        ),
        (
            &[
                "DELETE FROM audit_entries",
                "DELETE FROM audit_checkpoints",
                "DELETE FROM audit_head",
            ],
            &[Tampering::Truncated { first: 1, last: 7 }],
        ),
        (
            &[
                "UPDATE audit_checkpoints SET body = replace(body, '\"previous\":3', '\"previous\":2')",
            ],
            &[Tampering::CheckpointChanged { size: 4 }],
        ),
        (
            &["DELETE FROM audit_checkpoints WHERE size = 4"],
            &[Tampering::CheckpointMissing { size: 4 }],
        ),
        (
            &["UPDATE audit_head SET peaks = zeroblob(96)"],
            &[Tampering::HeadChanged],
        ),
    ];
    for (changes, expected) in cases {
        let world = World::new();
        let store = world.store().await;
        asked(&store).await;
        assert_eq!(world.found(&store).await, []);
        tamper(&store, changes).await;
        let found = world.found(&store).await;
        let found: Vec<_> = found
            .into_iter()
            // Where the end is cut off, so is what goes on from there.
            .filter(|one| *one != Tampering::HeadChanged || expected.contains(one))
            .filter(|one| !matches!(one, Tampering::Unsigned { .. }))
            .collect();
        assert_eq!(found, expected, "{changes:?}");
    }
}

#[tokio::test]
async fn a_rewritten_log_of_events_contradicts_the_audit_log() {
    let world = World::new();
    let store = world.store().await;
    asked(&store).await;
    tamper(
        &store,
        &["UPDATE events SET hash = zeroblob(32) WHERE seq = 3"],
    )
    .await;
    assert_eq!(
        world.found(&store).await,
        [Tampering::EventChanged { seq: 3 }]
    );
}

#[tokio::test]
async fn a_state_put_back_to_an_older_one_is_found_also_after_it_grew_again() {
    let world = World::new();
    let store = world.store().await;
    asked(&store).await;
    store.close().await;
    let (state, old) = (world.state(), world.folder.path().join("old"));
    copy(&state, &old);
    let store = world.store().await;
    store.audit_note(used("one"));
    store.audit_flush().await.unwrap();
    store.audit_note(used("two"));
    store.audit_flush().await.unwrap();
    store.close().await;

    fs::remove_dir_all(&state).unwrap();
    copy(&old, &state);
    let store = world.store().await;
    assert_eq!(
        world.found(&store).await,
        [Tampering::Truncated { first: 8, last: 9 }]
    );
    for name in ["other", "another", "third"] {
        store.audit_note(used(name));
        store.audit_flush().await.unwrap();
    }
    let found = world.found(&store).await;
    assert!(
        matches!(found.as_slice(), [Tampering::CopyDiffers { last: 9, .. }]),
        "{found:?}"
    );
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_takes_the_place_of_another_is_found() {
    let world = World::new();
    let store = world.store().await;
    asked(&store).await;
    store.close().await;
    fs::remove_dir_all(world.state()).unwrap();
    let store = world.store().await;
    store.audit_note(used("fresh"));
    store.audit_flush().await.unwrap();
    let found = world.found(&store).await;
    let [Tampering::Replaced { size: 7, place }] = found.as_slice() else {
        panic!("{found:?}");
    };
    // Whoever removed the state themselves says so by removing the copy.
    fs::remove_file(place).unwrap();
    assert_eq!(world.found(&store).await, []);
}

#[tokio::test]
async fn a_log_signed_with_a_stolen_place_but_no_key_is_not_trusted() {
    let world = World::new();
    let store = Store::open(&world.state()).await.unwrap();
    let forger = World::new();
    let notary = Notary::open(&forger.user(), &world.state(), &[9; 32]).unwrap();
    let key = notary.key().to_owned();
    store.audit_sign_with(notary);
    store.audit_note(used("one"));
    store.audit_flush().await.unwrap();
    // The user has a key, but not this one.
    drop(world.notary());
    let size = 1;
    let untrusted = Tampering::CheckpointUntrusted {
        size,
        key: key.clone(),
    };
    let unsigned = Tampering::Unsigned { first: 1, last: 1 };
    assert_eq!(world.found(&store).await, [untrusted, unsigned]);
    let mut trust = world.trust();
    trust.keys.insert(key);
    assert!(store.audit_verify(&trust).await.unwrap().is_intact());
}

#[tokio::test]
async fn entries_without_a_notary_are_told_as_unsigned_until_one_signs() {
    let world = World::new();
    let store = Store::open(&world.state()).await.unwrap();
    asked(&store).await;
    let unsigned = Tampering::Unsigned { first: 1, last: 7 };
    assert_eq!(world.found(&store).await, [unsigned]);
    store.audit_sign_with(world.notary());
    store.audit_note(used("one"));
    store.audit_flush().await.unwrap();
    assert_eq!(world.found(&store).await, []);
}

#[tokio::test]
async fn entries_and_growth_are_proved_to_whoever_has_a_checkpoint() {
    let world = World::new();
    let store = world.store().await;
    asked(&store).await;
    let rows = store.audit_rows(0, 99).await.unwrap();
    for row in &rows {
        let (mark, proof) = store.audit_proof(row.seq).await.unwrap();
        assert!(proof.holds_for_leaf(row.leaf, row.seq - 1, mark.size, mark.root));
        let (mark, proof) = store.audit_growth(row.seq).await.unwrap();
        let old = (row.seq, store.audit_root(row.seq).await.unwrap());
        assert!(proof.holds_for_growth(old, (mark.size, mark.root)));
    }
    for nothing in [0, 8] {
        assert!(store.audit_proof(nothing).await.is_err());
        assert!(store.audit_growth(nothing).await.is_err());
    }
    assert!(memory().await.audit_proof(1).await.is_err());
}

#[test]
fn the_key_is_made_once_and_for_the_user_alone() {
    let world = World::new();
    let first = world.notary();
    let again = Notary::open(&world.user(), &world.state(), &[8; 32]).unwrap();
    assert_eq!(first.key(), again.key());
    assert!(world.trust().keys.contains(first.key()));
    let path = world.user().join("key");
    let rights = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(rights, 0o600);
    let names: Vec<_> = fs::read_dir(world.user()).unwrap().collect();
    assert_eq!(names.len(), 2, "the key, and the keys that count");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = Notary::open(&world.user(), &world.state(), &SEED);
    assert!(matches!(exposed, Err(NotaryError::Exposed(_))));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "no key").unwrap();
    let none = Notary::open(&world.user(), &world.state(), &SEED);
    assert!(matches!(none, Err(NotaryError::NoKey(_))));
    // A key that is lost is followed by another; what the old one signed still counts.
    fs::remove_file(&path).unwrap();
    let next = Notary::open(&world.user(), &world.state(), &[8; 32]).unwrap();
    assert_ne!(next.key(), first.key());
    let trusted = world.trust().keys;
    assert!(trusted.contains(first.key()) && trusted.contains(next.key()));
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_on_record_and_stops_nothing() {
    let world = World::new();
    let store = world.store().await;
    fs::write(world.user().join("copies"), "in the way").unwrap();
    for name in ["one", "two", "three"] {
        store.audit_note(used(name));
        store.audit_flush().await.unwrap();
    }
    assert_eq!(
        kinds(&store).await,
        ["key.used", "copy.missed", "key.used", "key.used"]
    );
}

#[test]
fn more_notes_than_may_wait_are_counted() {
    let note = crate::notes::Notes::default();
    for _ in 0..65_540 {
        note.add(used("one"));
    }
    let taken = note.take();
    assert_eq!(taken.notes().len(), 65_537);
    let last = taken.notes().last().unwrap();
    assert_eq!(last.fact, AuditFact::NotesLost { count: 4 });
    // Dropped unwritten, they wait again.
    drop(taken);
    assert_eq!(note.take().notes().len(), 65_537);
}

#[test]
fn refusals_of_a_kind_are_one_note_with_a_count() {
    let refused = |client: Option<&str>, reason: &str| AuditNote {
        client: client.map(str::to_owned),
        ..AuditNote::new(
            AuditFact::ClientRefused {
                reason: reason.to_owned(),
                count: 1,
            },
            noon(),
        )
    };
    let notes = crate::notes::Notes::default();
    for _ in 0..100_000 {
        notes.add(refused(None, "unknown"));
        notes.add(refused(Some("ci"), "expired"));
    }
    let taken = notes.take();
    let counted: Vec<_> = taken.notes().iter().map(|note| &note.fact).collect();
    let expected = ["unknown", "expired"].map(|reason| AuditFact::ClientRefused {
        reason: reason.to_owned(),
        count: 100_000,
    });
    assert_eq!(counted, [&expected[0], &expected[1]]);
}
