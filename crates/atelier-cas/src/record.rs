//! What is known of one execution of a step.

use atelier_model::{Digest, Timestamp};

use crate::{
    codec::{Reader, Writer},
    outputs::Outputs,
};

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded; its outputs stand for the next execution with the same key.
    Passed,
    /// It failed first and succeeded when it was tried again.
    Flaky,
    /// It failed, was stopped, or did not make what it should.
    Failed,
}

/// One execution of a step, under the key of all that went into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The digest of the step's descriptor.
    pub key: Digest,
    /// The step's name.
    pub step: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code, where the process ended by itself.
    pub exit: Option<i32>,
    /// When it ended.
    pub when: Timestamp,
    /// Microseconds it took.
    pub duration_us: u64,
    /// Bytes of memory it had at most, zero where that is unknown.
    pub rss_bytes_max: u64,
    /// What it printed, as a content of the store.
    pub log: Option<Digest>,
    /// What it made.
    pub outputs: Outputs,
}

impl Outcome {
    fn number(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Flaky => 1,
            Self::Failed => 2,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Passed, Self::Flaky, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.number() == number)
    }
}

impl Record {
    /// Everything but the key.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.byte(self.outcome.number());
        to.text(&self.step);
        to.number(self.duration_us);
        to.number(self.rss_bytes_max);
        to.signed(self.when.millis());
        to.byte(u8::from(self.exit.is_some()) | u8::from(self.log.is_some()) << 1);
        if let Some(exit) = self.exit {
            to.signed(i64::from(exit));
        }
        if let Some(log) = &self.log {
            to.digest(log);
        }
        self.outputs.write(to);
    }

    pub(crate) fn read(key: Digest, from: &mut Reader<'_>) -> Option<Self> {
        let head = RecordHead::read(from)?;
        let when = Timestamp::from_millis(from.signed()?);
        let parts = from.byte()?;
        let exit = match parts & 1 {
            0 => None,
            _ => Some(i32::try_from(from.signed()?).ok()?),
        };
        let log = match parts & 2 {
            0 => None,
            _ => Some(from.digest()?),
        };
        Some(Self {
            key,
            step: head.step.to_owned(),
            outcome: head.outcome,
            exit,
            when,
            duration_us: head.duration_us,
            rss_bytes_max: head.rss_bytes_max,
            log,
            outputs: Outputs::read(from)?,
        })
    }
}

/// The beginning of a record: enough for a step's history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordHead<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) step: &'a str,
    pub(crate) duration_us: u64,
    pub(crate) rss_bytes_max: u64,
}

impl<'a> RecordHead<'a> {
    pub(crate) fn read(from: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            outcome: Outcome::from_number(from.byte()?)?,
            step: from.text()?,
            duration_us: from.number()?,
            rss_bytes_max: from.number()?,
        })
    }
}
