//! Logs for the tests of the audit log, signed with a stand-in for a signature, and chance that is
//! the same every time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{
    AskId, AuditCheck, AuditEntry, AuditExportLine, AuditFact, AuditNote, AuditReport, Checkpoint,
    Digest, Frontier, MicroUsd, RunId, Stage, Standing, Timestamp, TreeHash,
};

/// The key that is trusted, and one that is not.
pub(super) const KEY: &str = "trusted";
pub(super) const OTHER_KEY: &str = "other";

/// A row of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) leaf: TreeHash,
    pub(super) body: String,
}

/// A log as it lies in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) rows: Vec<Row>,
    pub(super) marks: Vec<Checkpoint>,
}

/// A small generator, so that every run of a test draws the same.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }
}

pub(super) fn noon(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

/// A fact of the log; `variant` makes others of it.
pub(super) fn note(number: u64, variant: u64) -> AuditNote {
    let ask = AskId::from_text(format!("ask-{number}"));
    let fact = match number % 3 {
        0 => AuditFact::AskStarted {
            ask,
            stage: Stage::Code,
            key: Digest::of(number.to_le_bytes()),
            provider: "openai".to_owned(),
            model: "größe-5".to_owned(),
            reserved: MicroUsd(1_000 + variant),
            choice: None,
        },
        1 => AuditFact::KeyUsed {
            provider: "openai".to_owned(),
            name: format!("key-{variant}"),
        },
        _ => AuditFact::AskFailed {
            ask,
            stage: Stage::Plan,
            error: Digest::of("no"),
            cost: MicroUsd(variant),
            partial: None,
        },
    };
    AuditNote {
        run: Some(RunId::from_text("run")),
        ..AuditNote::new(fact, noon(number.cast_signed()))
    }
}

pub(super) fn row(seq: u64, variant: u64) -> Row {
    let body = note(seq, variant).numbered(seq, None).body();
    let leaf = AuditEntry::leaf(&body);
    Row { seq, leaf, body }
}

fn signature(checkpoint: &Checkpoint) -> String {
    Digest::of(format!("secret of {}", checkpoint.key) + &checkpoint.signed_text()).to_string()
}

/// What a keeper of keys would say.
pub(super) fn standing(checkpoint: &Checkpoint) -> Standing {
    if checkpoint.signature != signature(checkpoint) {
        Standing::Broken
    } else if checkpoint.key == KEY {
        Standing::Signed
    } else {
        Standing::Untrusted
    }
}

/// Signs the state of a log after each of these sizes.
pub(super) fn signed(rows: &[Row], sizes: &[u64], key: &str) -> Vec<Checkpoint> {
    let mut marks: Vec<Checkpoint> = Vec::new();
    let mut tree = Frontier::default();
    for row in rows {
        tree.push(row.leaf);
        if sizes.contains(&tree.size()) {
            let mut mark = Checkpoint {
                origin: rows[0].leaf,
                size: tree.size(),
                root: tree.root(),
                previous: marks.last().map_or(0, |mark| mark.size),
                at: noon(tree.size().cast_signed()),
                key: key.to_owned(),
                signature: String::new(),
            };
            mark.signature = signature(&mark);
            marks.push(mark);
        }
    }
    marks
}

impl Log {
    /// A log of so many entries, signed after every few.
    pub(super) fn written(entries: u64, few: u64) -> Self {
        let rows: Vec<Row> = (1..=entries).map(|seq| row(seq, 0)).collect();
        let ends = |size: &u64| *size == entries || size.is_multiple_of(few);
        let sizes: Vec<u64> = (1..=entries).filter(ends).collect();
        let marks = signed(&rows, &sizes, KEY);
        Self { rows, marks }
    }

    pub(super) fn newest(&self) -> Checkpoint {
        self.marks.last().unwrap().clone()
    }

    /// The sizes at which it is signed.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.marks.iter().map(|mark| mark.size).collect()
    }

    /// Gives every row the number of its place, and every leaf the hash of its body, as someone
    /// without the key would.
    pub(super) fn restamp(&mut self) {
        for (seq, row) in (1..).zip(&mut self.rows) {
            let read: Result<AuditEntry, _> = serde_json::from_str(&row.body);
            if let Ok(entry) = read {
                row.body = AuditEntry { seq, ..entry }.body();
            }
            row.seq = seq;
            row.leaf = AuditEntry::leaf(&row.body);
        }
    }

    /// Checks it as a database is checked: rows by number, each checkpoint at its place.
    pub(super) fn check(&self, copy: Option<Checkpoint>) -> AuditReport {
        let copies = copy.map(|copy| ("the copy".to_owned(), copy));
        let mut check = AuditCheck::new(&standing, copies.into_iter().collect());
        let mut marks = self.marks.iter().peekable();
        for row in &self.rows {
            while let Some(mark) = marks.next_if(|mark| mark.size < row.seq) {
                check.checkpoint(mark);
            }
            check.entry(row.seq, &row.body, row.leaf);
        }
        marks.for_each(|mark| check.checkpoint(mark));
        check.finish(None)
    }

    /// The log as a file.
    pub(super) fn export(&self) -> String {
        let mut lines = vec![AuditExportLine::Header.text()];
        let mut marks = self.marks.iter().peekable();
        for Row { seq, leaf, body } in &self.rows {
            lines.push(AuditExportLine::Entry { leaf: *leaf, body }.text());
            while let Some(mark) = marks.next_if(|mark| mark.size <= *seq) {
                lines.push(AuditExportLine::Checkpoint(Box::new(mark.clone())).text());
            }
        }
        lines.join("\n") + "\n"
    }
}
