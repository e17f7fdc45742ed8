//! What the audit log knows of: names, counts and digests, never a text and never a key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AskId, AskSource, AuditNote, Digest, EventKind, MicroUsd, RelayId, RelayRecord, RouteChoice,
    RunId, Stage, TaskId, Usage,
};

/// One fact on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AuditFact {
    /// An ask was sent, with money reserved for it.
    #[serde(rename = "ask.started")]
    AskStarted {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Its key: the digest of all that decides the answer.
        key: Digest,
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Money reserved.
        reserved: MicroUsd,
        /// Why this model, where there was a choice.
        choice: Option<RouteChoice>,
    },
    /// An ask is sent again.
    #[serde(rename = "ask.retried")]
    AskRetried {
        /// The ask.
        ask: AskId,
        /// Digest of the reason's words, which may quote a provider.
        reason: Digest,
        /// Milliseconds waited before.
        wait_ms: u64,
        /// What had come of its answer, by the digest under which that is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Digest>,
    },
    /// An ask was answered, by a provider or out of the store.
    #[serde(rename = "ask.finished")]
    AskFinished {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Its key.
        key: Digest,
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Where the answer came from.
        source: AskSource,
        /// Tokens.
        usage: Usage,
        /// Money spent now.
        cost: MicroUsd,
        /// Milliseconds.
        latency_ms: u64,
    },
    /// An ask ended without an answer.
    #[serde(rename = "ask.failed")]
    AskFailed {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Digest of the error's words.
        error: Digest,
        /// Money that must be taken as spent.
        cost: MicroUsd,
        /// What had come of its answer, by the digest under which that is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Digest>,
    },
    /// A request of another program was answered, or was not.
    #[serde(rename = "request.finished")]
    RequestFinished(AuditRequest),
    /// A budget refused a call before it was sent.
    #[serde(rename = "budget.refused")]
    BudgetRefused {
        /// Whose budget: `run`, `task`, `stage`, `key` or `day`, with its name.
        scope: String,
        /// The most the call could have cost.
        needed: MicroUsd,
        /// What is spent or reserved.
        spent: MicroUsd,
        /// The budget.
        budget: MicroUsd,
    },
    /// Of several models one was chosen.
    #[serde(rename = "route.chosen")]
    RouteChosen {
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// How, and why none of the others.
        choice: RouteChoice,
    },
    /// A key of a provider was used.
    #[serde(rename = "key.used")]
    KeyUsed {
        /// Provider.
        provider: String,
        /// The key's name.
        name: String,
    },
    /// A key was made, brought in, retired, revoked or removed.
    #[serde(rename = "key.changed")]
    KeyChanged {
        /// The key's name.
        name: String,
        /// What was done to it, in one word.
        change: String,
    },
    /// A client was turned away.
    #[serde(rename = "client.refused")]
    ClientRefused {
        /// Why, in one word such as `unknown`, `expired` or `revoked`.
        reason: String,
        /// How often, one after another.
        count: u64,
    },
    /// A call waited for the rate limit of its provider.
    #[serde(rename = "limit.waited")]
    LimitWaited {
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Milliseconds.
        wait_ms: u64,
    },
    /// A call was refused, for it would have waited too long.
    #[serde(rename = "limit.refused")]
    LimitRefused {
        /// Provider or client that the limit is of.
        of: String,
        /// Milliseconds it would have waited.
        wait_ms: u64,
    },
    /// A model failed so often that it is left alone for a while.
    #[serde(rename = "breaker.opened")]
    BreakerOpened {
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Milliseconds until it is tried again.
        wait_ms: u64,
    },
    /// Personal data or secrets were replaced before a request left the machine.
    #[serde(rename = "guard.redacted")]
    GuardRedacted {
        /// How many of each kind.
        counts: BTreeMap<String, u64>,
    },
    /// A batch went out, was found again, given up, refused, ended early or collected.
    #[serde(rename = "batch.changed")]
    BatchChanged {
        /// Its name.
        batch: String,
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Digest of its questions.
        questions: Digest,
        /// What happened to it, in one word such as `sent` or `collected`.
        change: String,
        /// The most it may still cost.
        reserved: MicroUsd,
        /// What its answers cost.
        cost: MicroUsd,
    },
    /// The configuration was read again while requests were under way.
    #[serde(rename = "configuration.reloaded")]
    ConfigurationReloaded {
        /// Digest of the names of the models that can be asked for.
        models: Digest,
    },
    /// A person answered a question.
    #[serde(rename = "approval.given")]
    ApprovalGiven {
        /// Digest of what was asked.
        subject: Digest,
        /// Whether the answer was yes.
        approved: bool,
    },
    /// A client steered a run, or one of its tasks.
    #[serde(rename = "run.steered")]
    RunSteered {
        /// The run.
        run: RunId,
        /// The task, where it was about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskId>,
        /// What was asked, in the word of its command.
        command: String,
    },
    /// More was noted than could wait, and this much is lost.
    #[serde(rename = "notes.lost")]
    NotesLost {
        /// How many facts.
        count: u64,
    },
    /// The second place could not be written, so that it does not know how the log goes on.
    #[serde(rename = "copy.missed")]
    CopyMissed {},
    /// A run ended.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// Exit code.
        exit_code: i32,
        /// The newest verified commit.
        commit: Option<String>,
        /// Money spent over all invocations.
        cost: MicroUsd,
    },
}

/// What is noted of one request of another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRequest {
    /// Its name in the ledger.
    pub request: RelayId,
    /// The dialect it was in.
    pub dialect: String,
    /// What it was about: `answer`, `count` or `embeddings`.
    pub demand: String,
    /// The provider that answered, or was to.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Digest of all that decides the answer.
    pub key: Digest,
    /// Where the answer came from; nothing where there was none.
    pub source: Option<AskSource>,
    /// HTTP status that the client was answered.
    pub status: u16,
    /// How often it was sent.
    pub sendings: u32,
    /// Tokens.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Milliseconds.
    pub latency_ms: u64,
    /// Digest of the words that say why there was no complete answer, where there was none.
    pub error: Option<Digest>,
    /// What had come of an answer that broke off, by the digest under which that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Digest>,
    /// What was decided on its way: the key, the route, waits, redactions.
    pub decisions: Vec<AuditFact>,
}

impl AuditFact {
    /// Every name that a fact has.
    pub const NAMES: [&str; 21] = [
        "ask.started",
        "ask.retried",
        "ask.finished",
        "ask.failed",
        "request.finished",
        "budget.refused",
        "route.chosen",
        "key.used",
        "key.changed",
        "client.refused",
        "limit.waited",
        "limit.refused",
        "breaker.opened",
        "guard.redacted",
        "batch.changed",
        "configuration.reloaded",
        "approval.given",
        "run.steered",
        "notes.lost",
        "copy.missed",
        "run.finished",
    ];

    /// The fact's name, such as `key.used`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AskStarted { .. } => "ask.started",
            Self::AskRetried { .. } => "ask.retried",
            Self::AskFinished { .. } => "ask.finished",
            Self::AskFailed { .. } => "ask.failed",
            Self::RequestFinished(_) => "request.finished",
            Self::BudgetRefused { .. } => "budget.refused",
            Self::RouteChosen { .. } => "route.chosen",
            Self::KeyUsed { .. } => "key.used",
            Self::KeyChanged { .. } => "key.changed",
            Self::ClientRefused { .. } => "client.refused",
            Self::LimitWaited { .. } => "limit.waited",
            Self::LimitRefused { .. } => "limit.refused",
            Self::BreakerOpened { .. } => "breaker.opened",
            Self::GuardRedacted { .. } => "guard.redacted",
            Self::BatchChanged { .. } => "batch.changed",
            Self::ConfigurationReloaded { .. } => "configuration.reloaded",
            Self::ApprovalGiven { .. } => "approval.given",
            Self::RunSteered { .. } => "run.steered",
            Self::NotesLost { .. } => "notes.lost",
            Self::CopyMissed {} => "copy.missed",
            Self::RunFinished { .. } => "run.finished",
        }
    }

    /// Name of the provider's key that the fact is about.
    pub fn key_name(&self) -> Option<&str> {
        match self {
            Self::KeyUsed { name, .. } | Self::KeyChanged { name, .. } => Some(name),
            Self::RequestFinished(request) => request.decisions.iter().find_map(Self::key_name),
            Self::AskStarted { .. }
            | Self::AskRetried { .. }
            | Self::AskFinished { .. }
            | Self::AskFailed { .. }
            | Self::BudgetRefused { .. }
            | Self::RouteChosen { .. }
            | Self::ClientRefused { .. }
            | Self::LimitWaited { .. }
            | Self::LimitRefused { .. }
            | Self::BreakerOpened { .. }
            | Self::GuardRedacted { .. }
            | Self::BatchChanged { .. }
            | Self::ConfigurationReloaded { .. }
            | Self::ApprovalGiven { .. }
            | Self::RunSteered { .. }
            | Self::NotesLost { .. }
            | Self::CopyMissed {}
            | Self::RunFinished { .. } => None,
        }
    }

    /// What is noted of an event of a run; nothing where it concerns no model, key or decision.
    pub fn of_event(kind: &EventKind) -> Option<Self> {
        of_sending(kind)
            .or_else(|| of_answer(kind))
            .or_else(|| of_decision(kind))
    }
}

impl AuditNote {
    /// What is noted of a request of another program.
    pub fn of_relay(record: &RelayRecord) -> Self {
        let request = AuditRequest {
            request: record.id.clone(),
            dialect: record.dialect.clone(),
            demand: record.demand.clone(),
            provider: record.provider.clone(),
            model: record.model.clone(),
            key: record.key,
            source: record.source,
            status: record.status,
            sendings: record.sendings,
            usage: record.usage,
            cost: record.cost,
            latency_ms: record.latency_ms,
            error: record.error.as_ref().map(Digest::of),
            partial: record.partial,
            decisions: record.decisions.clone(),
        };
        Self {
            client: record.client.clone(),
            ..Self::new(AuditFact::RequestFinished(request), record.at)
        }
    }
}

fn of_sending(kind: &EventKind) -> Option<AuditFact> {
    if let EventKind::AskRetried {
        ask,
        reason,
        wait_ms,
        partial,
    } = kind
    {
        return Some(AuditFact::AskRetried {
            ask: ask.clone(),
            reason: Digest::of(reason),
            wait_ms: *wait_ms,
            partial: *partial,
        });
    }
    let EventKind::AskStarted {
        ask,
        stage,
        key,
        provider,
        model,
        reserved,
        choice,
    } = kind
    else {
        return None;
    };
    Some(AuditFact::AskStarted {
        ask: ask.clone(),
        stage: *stage,
        key: *key,
        provider: provider.clone(),
        model: model.clone(),
        reserved: *reserved,
        choice: choice.clone(),
    })
}

fn of_answer(kind: &EventKind) -> Option<AuditFact> {
    if let EventKind::AskFailed {
        ask,
        stage,
        error,
        cost,
        partial,
    } = kind
    {
        return Some(AuditFact::AskFailed {
            ask: ask.clone(),
            stage: *stage,
            error: Digest::of(error),
            cost: *cost,
            partial: *partial,
        });
    }
    let EventKind::AskFinished {
        ask,
        stage,
        key,
        provider,
        model,
        source,
        usage,
        cost,
        latency_ms,
    } = kind
    else {
        return None;
    };
    Some(AuditFact::AskFinished {
        ask: ask.clone(),
        stage: *stage,
        key: *key,
        provider: provider.clone(),
        model: model.clone(),
        source: *source,
        usage: *usage,
        cost: *cost,
        latency_ms: *latency_ms,
    })
}

fn of_decision(kind: &EventKind) -> Option<AuditFact> {
    if let EventKind::BudgetRefused {
        scope,
        needed,
        spent,
        budget,
        ..
    } = kind
    {
        return Some(AuditFact::BudgetRefused {
            scope: scope.clone(),
            needed: *needed,
            spent: *spent,
            budget: *budget,
        });
    }
    if let EventKind::ApprovalGiven {
        subject, approved, ..
    } = kind
    {
        return Some(AuditFact::ApprovalGiven {
            subject: Digest::of(subject),
            approved: *approved,
        });
    }
    let EventKind::RunFinished {
        exit_code,
        commit,
        cost,
        ..
    } = kind
    else {
        return None;
    };
    Some(AuditFact::RunFinished {
        exit_code: *exit_code,
        commit: commit.clone(),
        cost: *cost,
    })
}

#[cfg(test)]
mod tests;
