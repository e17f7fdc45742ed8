//! Asks and replies: one question to a model, and what came back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AskId, Digest, MicroUsd, RouteChoice, RunId, Strategy, TaskId, Timestamp};

/// The stages that ask models, each with its own model settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Requirement → design.
    Design,
    /// Design → phases.
    Plan,
    /// Phase → steps.
    Detail,
    /// Plan → handoff.
    Handoff,
    /// Plan and wish → what of the plan changes.
    Change,
    /// Long text → what of it matters to the tasks that need it as background.
    Summary,
    /// Task → edits.
    Code,
    /// Project → prose of its documents.
    Docs,
}

impl Stage {
    /// Every stage in the order of the flow.
    pub const ALL: [Self; 8] = [
        Self::Design,
        Self::Plan,
        Self::Detail,
        Self::Handoff,
        Self::Change,
        Self::Summary,
        Self::Code,
        Self::Docs,
    ];

    /// The stage's name, as in `[stages.NAME]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Plan => "plan",
            Self::Detail => "detail",
            Self::Handoff => "handoff",
            Self::Change => "change",
            Self::Summary => "summary",
            Self::Code => "code",
            Self::Docs => "docs",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Standing instructions.
    System,
    /// The one who asks.
    User,
    /// The model, in an earlier turn.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// One question to a model. Which model answers is decided by the gateway from the stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The stage that asks.
    pub stage: Stage,
    /// The run it belongs to, for the record and the budget.
    pub run: RunId,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// The conversation, system messages first.
    pub messages: Vec<Message>,
    /// JSON schema the answer must follow, with the name of its type.
    pub schema: Option<(String, serde_json::Value)>,
    /// Name of the prompt template, such as `design`.
    pub template: String,
    /// Version of the prompt template: the digest of its text and partials.
    pub template_version: Digest,
    /// 1 for the first time this content is asked, then 2, 3, …: the same question asked on
    /// purpose again is a new ask.
    pub attempt: u32,
    /// What the `offline` scaffolder needs to know of the work, as JSON; models never see it and
    /// it is not part of the key.
    pub facts: serde_json::Value,
}

/// Everything that decides whether a stored reply answers an ask. A field that is not here must
/// not influence the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskKey<'a> {
    /// Version of this structure; raised when its meaning changes.
    pub version: u32,
    /// Model name as asked for.
    pub model: &'a str,
    /// The conversation.
    pub messages: &'a [Message],
    /// Sampling temperature, where one is set.
    pub temperature: Option<f64>,
    /// How hard the model is to think, where that is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<&'a str>,
    /// Most tokens of the answer.
    pub tokens_max: u64,
    /// JSON schema of the answer.
    pub schema: Option<&'a serde_json::Value>,
    /// Version of the prompt template.
    pub template_version: Digest,
    /// The ask's attempt ordinal.
    pub attempt: u32,
    /// The routes of which any may answer, where the configuration leaves that open. Who stands by
    /// for the first one is no part of the question: what is paid for stays good when that changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub among: Option<(Strategy, &'a [String])>,
}

impl AskKey<'_> {
    /// The current value of [`AskKey::version`].
    pub const VERSION: u32 = 1;

    /// The key as a digest.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// What the key was made of, with digests in place of texts.
    pub fn descriptor(&self) -> AskDescriptor {
        let message = |message: &Message| (message.role, Digest::of(&message.text));
        AskDescriptor {
            version: self.version,
            model: self.model.to_owned(),
            messages: self.messages.iter().map(message).collect(),
            temperature: self.temperature,
            effort: self.effort.map(str::to_owned),
            tokens_max: self.tokens_max,
            schema: self.schema.map(Digest::of_json),
            template_version: self.template_version,
            attempt: self.attempt,
            among: self
                .among
                .map(|(strategy, routes)| (strategy, routes.to_vec())),
        }
    }
}

/// What an [`AskKey`] was made of, small enough to be kept with every reply: where two keys differ,
/// their descriptors say why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskDescriptor {
    /// Version of the key.
    pub version: u32,
    /// Model name as asked for.
    pub model: String,
    /// Who speaks in each message, and the digest of what is said.
    pub messages: Vec<(Role, Digest)>,
    /// Sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// How hard the model is to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Most tokens of the answer.
    pub tokens_max: u64,
    /// Digest of the JSON schema of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Digest>,
    /// Version of the prompt template.
    pub template_version: Digest,
    /// The ask's attempt ordinal.
    pub attempt: u32,
    /// The routes of which any might answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<(Strategy, Vec<String>)>,
}

/// The first field in which two keys differ, in the order in which a person would look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskDifference {
    /// The structure of keys changed.
    Version,
    /// Another model.
    Model,
    /// Another version of the prompt template.
    Template,
    /// Another attempt at the same question.
    Attempt,
    /// Another temperature, effort, limit of tokens, or choice of routes, by its name.
    Parameter(&'static str),
    /// Another JSON schema of the answer.
    Schema,
    /// A message that says something else, counted from 0.
    Message(usize),
    /// More messages, or fewer.
    MessageCount,
}

impl AskDescriptor {
    /// The first field in which another key differs from this one.
    pub fn difference(&self, other: &Self) -> Option<AskDifference> {
        let first_message = || {
            let pairs = self.messages.iter().zip(&other.messages);
            pairs.clone().position(|(one, another)| one != another)
        };
        let parameter = || {
            [
                (self.temperature != other.temperature, "temperature"),
                (self.effort != other.effort, "effort"),
                (self.tokens_max != other.tokens_max, "tokens_max"),
                (self.among != other.among, "among"),
            ]
            .into_iter()
            .find_map(|(differs, name)| differs.then_some(name))
        };
        if self.version != other.version {
            Some(AskDifference::Version)
        } else if self.model != other.model {
            Some(AskDifference::Model)
        } else if self.template_version != other.template_version {
            Some(AskDifference::Template)
        } else if let Some(name) = parameter() {
            Some(AskDifference::Parameter(name))
        } else if self.schema != other.schema {
            Some(AskDifference::Schema)
        } else if let Some(at) = first_message() {
            Some(AskDifference::Message(at))
        } else if self.messages.len() != other.messages.len() {
            Some(AskDifference::MessageCount)
        } else {
            (self.attempt != other.attempt).then_some(AskDifference::Attempt)
        }
    }

    /// In how many fields another key differs from this one: the nearest key is the one that was
    /// meant.
    pub fn distance(&self, other: &Self) -> usize {
        let same = self.messages.iter().zip(&other.messages);
        let same = same.filter(|(one, another)| one == another).count();
        let longest = self.messages.len().max(other.messages.len());
        [
            self.version != other.version,
            self.model != other.model,
            self.template_version != other.template_version,
            self.temperature != other.temperature,
            self.effort != other.effort,
            self.tokens_max != other.tokens_max,
            self.schema != other.schema,
            self.attempt != other.attempt,
            self.among != other.among,
        ]
        .into_iter()
        .map(usize::from)
        .sum::<usize>()
            + (longest - same)
    }
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// Of the input, those read from the provider's prompt cache.
    pub cached_input: u64,
    /// Of the input, those written to the provider's prompt cache.
    pub cache_write: u64,
    /// Of those written, the ones that the provider keeps for an hour instead of some minutes, which
    /// costs more.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cache_write_hour: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model had finished.
    End,
    /// The token limit cut it off: the answer is incomplete.
    Length,
    /// The provider withheld the rest.
    Filtered,
}

/// Where a reply came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskSource {
    /// The provider answered now.
    Provider,
    /// The store had the answer already.
    Cache,
    /// The store had the answer to a question that means the same in other words.
    Semantic,
}

impl AskSource {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Cache => "cache",
            Self::Semantic => "semantic",
        }
    }

    /// Whether the answer was there before it was asked for.
    pub fn is_kept(self) -> bool {
        match self {
            Self::Provider => false,
            Self::Cache | Self::Semantic => true,
        }
    }
}

/// One answer of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The ask's key.
    pub key: Digest,
    /// The text.
    pub text: String,
    /// Digest of the text.
    pub digest: Digest,
    /// Why it ended.
    pub stop: StopReason,
    /// Provider that answered.
    pub provider: String,
    /// Model that was asked.
    pub model: String,
    /// Tokens of the original call.
    pub usage: Usage,
    /// What it cost now: zero from the cache.
    pub cost: MicroUsd,
    /// Milliseconds until the whole answer was there.
    pub latency_ms: u64,
    /// Where it came from.
    pub source: AskSource,
}

/// What is kept of every ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRecord {
    /// Its id.
    pub id: AskId,
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: Option<TaskId>,
    /// The stage.
    pub stage: Stage,
    /// The attempt ordinal of the ask.
    pub attempt: u32,
    /// The key.
    pub key: Digest,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Why it was asked there, where there was a choice.
    pub choice: Option<RouteChoice>,
    /// Name of the prompt template.
    pub template: String,
    /// Version of the prompt template.
    pub template_version: Digest,
    /// Digest of the messages, which are kept as a blob.
    pub prompt: Digest,
    /// Digest of the reply's text, once there is one.
    pub reply: Option<Digest>,
    /// Where the reply came from, once there is one.
    pub source: Option<AskSource>,
    /// Tokens.
    pub usage: Usage,
    /// Money reserved before the call, until it is settled.
    pub reserved: MicroUsd,
    /// Tokens reserved before the call, until it is settled.
    pub reserved_tokens: u64,
    /// Money spent.
    pub cost: MicroUsd,
    /// Milliseconds.
    pub latency_ms: u64,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// When it began.
    pub at: Timestamp,
}
