//! The audit log: entries that are added in the transaction of what they record, signed states,
//! and the check of both.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use atelier_model::{
    AuditCheck, AuditEntry, AuditFact, AuditLink, AuditNote, AuditReport, Checkpoint, Frontier,
    Standing, Tampering, Timestamp, TreeHash, TreeProof,
};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::{AuditTrust, Notary, Store, StoreError, column, notes::Taken, write::Write};

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// Entries of one answer of a list.
const LIST_MAX: u32 = 10_000;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Entries added by one statement: few sizes, so that each is prepared once and kept.
const INSERT_AT_ONCE: [usize; 3] = [64, 8, 1];

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// The hash of its leaf.
    pub leaf: TreeHash,
    /// Its body, letter by letter as it was hashed.
    pub body: String,
}

/// What is needed to add the next entry.
#[derive(Debug, Clone)]
struct Head {
    tree: Frontier,
    /// The leaf hash of the first entry, once there is one.
    origin: Option<TreeHash>,
    /// Size of the newest checkpoint.
    signed: u64,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    size: i64,
    peaks: Vec<u8>,
    origin: Vec<u8>,
    signed: i64,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    seq: i64,
    leaf: Vec<u8>,
    body: String,
}

impl TryFrom<HeadRow> for Head {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::Corrupt {
            what: "the head of the audit log".to_owned(),
        };
        let (peaks, rest) = row.peaks.as_chunks::<HASH_BYTES>();
        let peaks = peaks.iter().map(|peak| TreeHash::from_bytes(*peak));
        let tree = Frontier::from_parts(column::from_count(row.size), peaks.collect());
        Ok(Self {
            tree: tree.filter(|_| rest.is_empty()).ok_or_else(damaged)?,
            origin: Some(tree_hash(&row.origin).ok_or_else(damaged)?),
            signed: column::from_count(row.signed),
        })
    }
}

impl Head {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let row: Option<HeadRow> =
            sqlx::query_as("SELECT size, peaks, origin, signed FROM audit_head WHERE id = 1")
                .fetch_optional(connection)
                .await?;
        let start = Self {
            tree: Frontier::default(),
            origin: None,
            signed: 0,
        };
        row.map_or(Ok(start), Self::try_from)
    }

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let peaks = self.tree.peaks().iter().map(TreeHash::as_bytes);
        let origin = self.origin.unwrap_or_else(TreeHash::empty);
        sqlx::query(
            "INSERT INTO audit_head (id, size, peaks, origin, signed) VALUES (1, $1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET size = EXCLUDED.size, peaks = EXCLUDED.peaks,
                 signed = EXCLUDED.signed",
        )
        .bind(column::count(self.tree.size()))
        .bind(peaks.flatten().copied().collect::<Vec<u8>>())
        .bind(origin.as_bytes().as_slice())
        .bind(column::count(self.signed))
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Numbers a note and adds it to the tree.
    fn push(&mut self, note: AuditNote, event: Option<AuditLink>) -> AuditRow {
        let seq = self.tree.size() + 1;
        let body = note.numbered(seq, event).body();
        let leaf = AuditEntry::leaf(&body);
        self.origin.get_or_insert(leaf);
        self.tree.push(leaf);
        AuditRow { seq, leaf, body }
    }
}

impl Store {
    /// Adds what is noted and what the change's events say, and signs the log as it then is.
    pub(crate) async fn audit_append_in_txn(
        &self,
        write: &mut Write,
        taken: &Taken<'_>,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let audited = write.take_audited();
        // What was noted beside the change may have to be written again, with the one after it.
        let plain = taken.notes().iter().map(|note| (Cow::Borrowed(note), None));
        let own = audited.into_iter();
        let own = own.map(|(note, link)| (Cow::Owned(note), link));
        let mut notes: Vec<(Cow<'_, AuditNote>, _)> = plain.chain(own).collect();
        notes.sort_by_key(|(note, _)| note.at);
        let Some((newest, _)) = notes.last() else {
            return Ok(None);
        };
        let at = newest.at;
        let mut head = Head::read(write.connection()).await?;
        let rows: Vec<AuditRow> = notes
            .into_iter()
            .map(|(note, link)| head.push(note.into_owned(), link))
            .collect();
        insert_in_txn(write, &rows).await?;
        let signed = match self.notary() {
            Some(notary) => Some(sign_in_txn(write, notary, &mut head, at).await?),
            None => None,
        };
        head.write(write.connection()).await?;
        Ok(signed)
    }

    /// Puts a copy of the newest checkpoint into the second place. The change it belongs to is
    /// durable by now, so that a copy which cannot be written is a fact for the log, no failure.
    pub(crate) async fn audit_copy(&self, checkpoint: Checkpoint) {
        let at = checkpoint.at;
        if !self.is_copied(checkpoint).await && self.first_missed_copy() {
            self.audit_note(AuditNote::new(AuditFact::CopyMissed {}, at));
        }
    }

    async fn is_copied(&self, checkpoint: Checkpoint) -> bool {
        let Some(notary) = self.notary().map(Arc::clone) else {
            return true;
        };
        let keep = match notary.copy(checkpoint.origin) {
            Some(before) => match self.checkpoint_at(before.size).await {
                Ok(signed) => signed != Some(before),
                Err(_) => return false,
            },
            None => false,
        };
        let write = move || notary.put_copy(&checkpoint, keep);
        matches!(tokio::task::spawn_blocking(write).await, Ok(Ok(())))
    }

    /// How many entries there are.
    pub async fn audit_size(&self) -> Result<u64, StoreError> {
        let mut connection = self.readers().acquire().await?;
        Ok(Head::read(&mut connection).await?.tree.size())
    }

    /// The entries after a number, at most `limit` and never more than 10,000, in order.
    pub async fn audit_rows(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let after = column::count(after);
        let rows = entry_rows(&mut connection, after, limit.min(LIST_MAX)).await?;
        let read = |row: EntryRow| {
            Some(AuditRow {
                seq: column::from_count(row.seq),
                leaf: tree_hash(&row.leaf)?,
                body: row.body,
            })
        };
        let read = |row| read(row).ok_or_else(damaged_leaf);
        rows.into_iter().map(read).collect()
    }

    /// The checkpoints of sizes above `after`, at most `limit` and never more than 10,000, in order.
    pub async fn audit_checkpoints(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2",
        )
        .bind(column::count(after))
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.readers())
        .await?;
        let read = |body: &String| column::from_json(body, "a checkpoint");
        bodies.iter().map(read).collect()
    }

    /// The newest checkpoint.
    pub async fn audit_newest(&self) -> Result<Option<Checkpoint>, StoreError> {
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM audit_checkpoints ORDER BY size DESC LIMIT 1")
                .fetch_optional(self.readers())
                .await?;
        let read = |body: String| column::from_json(&body, "a checkpoint");
        body.map(read).transpose()
    }

    async fn checkpoint_at(&self, size: u64) -> Result<Option<Checkpoint>, StoreError> {
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM audit_checkpoints WHERE size = $1")
                .bind(column::count(size))
                .fetch_optional(self.readers())
                .await?;
        let read = |body: String| column::from_json(&body, "a checkpoint");
        body.map(read).transpose()
    }

    /// Proves that an entry is in the log as the newest checkpoint signs it.
    pub async fn audit_proof(&self, seq: u64) -> Result<(Checkpoint, TreeProof), StoreError> {
        let missing = |what: String| StoreError::Missing { what };
        let newest = self.audit_newest().await?;
        let newest = newest.ok_or_else(|| missing("a checkpoint of the audit log".to_owned()))?;
        let leaves = self.leaves(newest.size).await?;
        let proof = TreeProof::inclusion(&leaves, seq.saturating_sub(1));
        match proof {
            Ok(proof) if seq > 0 => Ok((newest, proof)),
            Ok(_) | Err(_) => Err(missing(format!("entry {seq} of the audit log"))),
        }
    }

    /// Proves that the log as the newest checkpoint signs it begins with its first `old` entries.
    pub async fn audit_growth(&self, old: u64) -> Result<(Checkpoint, TreeProof), StoreError> {
        let missing = |what: String| StoreError::Missing { what };
        let newest = self.audit_newest().await?;
        let newest = newest.ok_or_else(|| missing("a checkpoint of the audit log".to_owned()))?;
        let leaves = self.leaves(newest.size).await?;
        let proof = TreeProof::consistency(&leaves, old);
        let proof = proof.map_err(|_| missing(format!("entry {old} of the audit log")))?;
        Ok((newest, proof))
    }

    /// The root of the tree of the first so many entries.
    pub async fn audit_root(&self, size: u64) -> Result<TreeHash, StoreError> {
        let leaves = self.leaves(size).await?;
        Ok(leaves.into_iter().collect::<Frontier>().root())
    }

    async fn leaves(&self, size: u64) -> Result<Vec<TreeHash>, StoreError> {
        let leaves: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT leaf FROM audit_entries WHERE seq <= $1 ORDER BY seq")
                .bind(column::count(size))
                .fetch_all(self.readers())
                .await?;
        let hash = |leaf: &Vec<u8>| tree_hash(leaf).ok_or_else(damaged_leaf);
        leaves.iter().map(hash).collect()
    }

    /// Recomputes the whole log and says what was tampered with, and where.
    pub async fn audit_verify(&self, trust: &AuditTrust) -> Result<AuditReport, StoreError> {
        // One transaction, so that entries written meanwhile are not mistaken for unsigned ones.
        let mut txn = self.readers().begin().await?;
        let head = whole(Head::read(&mut txn).await)?;
        let (copies, others) = trust.sort(origin(&mut txn, trust).await?);
        let standing = |checkpoint: &Checkpoint| trust.standing(checkpoint);
        let mut check = AuditCheck::new(&standing, copies);
        for other in others {
            check.find(other);
        }
        let mut marks = Marks::default();
        let mut after = i64::MIN;
        while let Some(page) = page(&mut txn, after, &mut check).await? {
            compare_events(&mut txn, &page, &mut check).await?;
            for row in page {
                after = row.seq;
                let leaf = tree_hash(&row.leaf).unwrap_or_else(TreeHash::empty);
                marks.pass(&mut txn, row.seq - 1, &mut check).await?;
                check.entry(column::from_count(row.seq), &row.body, leaf);
                marks.pass(&mut txn, row.seq, &mut check).await?;
            }
        }
        marks.pass(&mut txn, i64::MAX, &mut check).await?;
        if head.is_none() {
            check.find(Tampering::HeadChanged);
        }
        Ok(check.finish(head.as_ref().map(|head| &head.tree)))
    }
}

/// Nothing for what is damaged, which a check tells in its own way.
fn whole<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The next rows after a number; nothing at the end, or where nothing can be read any more.
async fn page(
    connection: &mut SqliteConnection,
    after: i64,
    check: &mut AuditCheck<'_>,
) -> Result<Option<Vec<EntryRow>>, StoreError> {
    // One by one, where a page cannot be read, to the row that is damaged.
    for limit in [PAGE, 1] {
        if let Some(rows) = whole(entry_rows(connection, after, limit).await)? {
            return Ok(Some(rows).filter(|rows| !rows.is_empty()));
        }
    }
    check.unreadable();
    Ok(None)
}

async fn entry_rows(
    connection: &mut SqliteConnection,
    after: i64,
    limit: u32,
) -> Result<Vec<EntryRow>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT seq, leaf, body FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// All that is read of an entry to know which event it was written for.
#[derive(serde::Deserialize)]
struct Linked {
    event: Option<AuditLink>,
}

/// Compares the events that entries were written for with those that are there.
async fn compare_events(
    connection: &mut SqliteConnection,
    page: &[EntryRow],
    check: &mut AuditCheck<'_>,
) -> Result<(), StoreError> {
    let linked = page.iter().filter_map(|row| {
        let linked: Linked = serde_json::from_str(&row.body).ok()?;
        linked.event
    });
    let links: BTreeMap<i64, AuditLink> =
        linked.map(|link| (column::count(link.seq), link)).collect();
    let (Some((first, _)), Some((last, _))) = (links.first_key_value(), links.last_key_value())
    else {
        return Ok(());
    };
    let events: Result<Vec<(i64, Vec<u8>)>, _> =
        sqlx::query_as("SELECT seq, hash FROM events WHERE seq BETWEEN $1 AND $2")
            .bind(first)
            .bind(last)
            .fetch_all(connection)
            .await;
    let events = whole(events.map_err(StoreError::from))?.unwrap_or_default();
    let events: BTreeMap<i64, Vec<u8>> = events.into_iter().collect();
    for (seq, link) in &links {
        if events.get(seq).map(Vec::as_slice) != Some(column::bytes(&link.hash)) {
            check.find(Tampering::EventChanged { seq: link.seq });
        }
    }
    Ok(())
}

/// The checkpoints of a log, page by page beside its entries.
struct Marks {
    waiting: VecDeque<(i64, String)>,
    after: i64,
    is_done: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            after: i64::MIN,
            is_done: false,
        }
    }
}

impl Marks {
    /// Has every checkpoint up to a size checked.
    async fn pass(
        &mut self,
        connection: &mut SqliteConnection,
        size: i64,
        check: &mut AuditCheck<'_>,
    ) -> Result<(), StoreError> {
        loop {
            if self.waiting.is_empty() && !self.is_done {
                self.read(connection, check).await?;
            }
            let next = self.waiting.pop_front_if(|(next, _)| *next <= size);
            let Some((size, body)) = next else {
                return Ok(());
            };
            match checkpoint(size, &body) {
                Some(checkpoint) => check.checkpoint(&checkpoint),
                None => check.find(Tampering::CheckpointChanged {
                    size: column::from_count(size),
                }),
            }
        }
    }

    async fn read(
        &mut self,
        connection: &mut SqliteConnection,
        check: &mut AuditCheck<'_>,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query_as(
            "SELECT size, body FROM audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2",
        )
        .bind(self.after)
        .bind(PAGE)
        .fetch_all(connection)
        .await;
        let rows: Option<Vec<(i64, String)>> = whole(rows.map_err(StoreError::from))?;
        match rows {
            Some(rows) => self.waiting.extend(rows),
            None => check.find(Tampering::CheckpointMissing {
                size: column::from_count(self.after) + 1,
            }),
        }
        self.is_done = self.waiting.is_empty();
        self.after = self.waiting.back().map_or(self.after, |(size, _)| *size);
        Ok(())
    }
}

/// A checkpoint, if it is of this size and written as Atelier writes it.
fn checkpoint(size: i64, body: &str) -> Option<Checkpoint> {
    let checkpoint: Checkpoint = serde_json::from_str(body).ok()?;
    let fits = column::count(checkpoint.size) == size && column::json(&checkpoint) == body;
    fits.then_some(checkpoint)
}

/// Which log this is: what its newest believable checkpoint says, else its first entry.
async fn origin(
    connection: &mut SqliteConnection,
    trust: &AuditTrust,
) -> Result<Option<TreeHash>, StoreError> {
    let newest: Result<Option<(i64, String)>, _> =
        sqlx::query_as("SELECT size, body FROM audit_checkpoints ORDER BY size DESC LIMIT 1")
            .fetch_optional(&mut *connection)
            .await;
    let newest = whole(newest.map_err(StoreError::from))?.flatten();
    let newest = newest.and_then(|(size, body)| checkpoint(size, &body));
    if let Some(newest) = newest.filter(|newest| trust.standing(newest) == Standing::Signed) {
        return Ok(Some(newest.origin));
    }
    let first = whole(entry_rows(connection, i64::MIN, 1).await)?;
    let first = first.and_then(|rows| tree_hash(&rows.first()?.leaf));
    Ok(first)
}

async fn insert_in_txn(write: &mut Write, rows: &[AuditRow]) -> Result<(), StoreError> {
    let mut rest = rows;
    for size in INSERT_AT_ONCE {
        let mut all = rest.chunks_exact(size);
        for rows in &mut all {
            let mut insert = insert(rows);
            insert.build().execute(write.connection()).await?;
        }
        rest = all.remainder();
    }
    Ok(())
}

fn insert(rows: &[AuditRow]) -> QueryBuilder<Sqlite> {
    let mut insert = QueryBuilder::new("INSERT INTO audit_entries (seq, leaf, body) ");
    insert.push_values(rows, |mut values, row| {
        values
            .push_bind(column::count(row.seq))
            .push_bind(row.leaf.as_bytes().as_slice())
            .push_bind(row.body.as_str());
    });
    insert
}

async fn sign_in_txn(
    write: &mut Write,
    notary: &Notary,
    head: &mut Head,
    at: Timestamp,
) -> Result<Checkpoint, StoreError> {
    let origin = head.origin.unwrap_or_else(TreeHash::empty);
    let checkpoint = notary.sign(&head.tree, origin, head.signed, at);
    sqlx::query("INSERT INTO audit_checkpoints (size, body) VALUES ($1, $2)")
        .bind(column::count(checkpoint.size))
        .bind(column::json(&checkpoint))
        .execute(write.connection())
        .await?;
    head.signed = checkpoint.size;
    Ok(checkpoint)
}

fn tree_hash(bytes: &[u8]) -> Option<TreeHash> {
    Some(TreeHash::from_bytes(bytes.try_into().ok()?))
}

fn damaged_leaf() -> StoreError {
    StoreError::Corrupt {
        what: "an entry of the audit log".to_owned(),
    }
}
