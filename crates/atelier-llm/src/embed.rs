//! Vectors of texts, through the same layers as answers: cache, budget, retries.

use atelier_model::{
    Ask, AskSource, BoxFuture, Digest, Message, MicroUsd, Reply, Role, RunId, Stage, TaskId, Usage,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{AskError, Gateway, semantic::Embedder};

/// Texts that are sent in one request; the smallest maximum among the vendors is 100.
pub(crate) const PORTION_TEXTS_MAX: usize = 64;

/// What stands for a template in the record of such a request.
pub(crate) const TEMPLATE: &str = "embedding";

/// Texts that are to become vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// The stage that wants them.
    pub stage: Stage,
    /// The run it belongs to, for the record and the budget.
    pub run: RunId,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// The texts.
    pub texts: Vec<String>,
}

/// The vectors of texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedded {
    /// One vector for each text, in their order and all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of the original calls.
    pub usage: Usage,
    /// What it cost now: zero from the cache.
    pub cost: MicroUsd,
    /// How many requests the cache answered.
    pub cached: usize,
}

/// Everything that decides whether stored vectors are those of some texts.
#[derive(Serialize)]
struct EmbedKey<'a> {
    /// What this is, so that no answer can have the same key.
    kind: &'static str,
    /// Version of this structure; raised when its meaning changes.
    version: u32,
    /// Model name as asked for.
    model: &'a str,
    /// The texts.
    texts: &'a [&'a str],
}

impl Gateway {
    /// Makes vectors of texts: out of the store where it holds them, else by the model that the
    /// configuration names for them. `budget` is what the whole run may spend.
    ///
    /// Many texts are sent in portions, and what is paid for is kept by portion; texts that are to
    /// be found again alone are asked for alone.
    pub async fn embed(
        &self,
        embed: &Embed,
        budget: Option<MicroUsd>,
        cancel: &CancellationToken,
    ) -> Result<Embedded, AskError> {
        let mut embedded = Embedded::default();
        for texts in embed.texts.chunks(PORTION_TEXTS_MAX) {
            let ask = portion(embed, texts);
            let reply = self.embed_portion(&ask, budget, cancel).await?;
            embedded.add(&reply)?;
        }
        Ok(embedded)
    }

    /// The key under which the vectors of a portion are kept.
    pub(crate) fn embed_key(model: &str, texts: &[&str]) -> Digest {
        Digest::of_json(&EmbedKey {
            kind: TEMPLATE,
            version: 1,
            model,
            texts,
        })
    }
}

impl Embedder for Gateway {
    fn model(&self) -> &str {
        self.embedding_model().unwrap_or_default()
    }

    fn key(&self, question: &str) -> Digest {
        Self::embed_key(Embedder::model(self), &[question])
    }

    fn vector<'a>(
        &'a self,
        ask: &'a Ask,
        question: &'a str,
        budget: Option<MicroUsd>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Option<Vec<f32>>> {
        let embed = Embed {
            stage: ask.stage,
            run: ask.run.clone(),
            task: ask.task.clone(),
            texts: vec![question.to_owned()],
        };
        Box::pin(async move {
            let embedded = self.embed(&embed, budget, cancel).await.ok()?;
            embedded.vectors.into_iter().next()
        })
    }
}

impl Embedded {
    fn add(&mut self, reply: &Reply) -> Result<(), AskError> {
        let vectors: Vec<Vec<f32>> =
            serde_json::from_str(&reply.text).map_err(|_| AskError::Malformed {
                said: "it holds no vectors".to_owned(),
            })?;
        let lengths = self.vectors.first().map(Vec::len);
        if lengths.is_some_and(|length| vectors.iter().any(|vector| vector.len() != length)) {
            return Err(AskError::Malformed {
                said: "its vectors differ in length".to_owned(),
            });
        }
        self.vectors.extend(vectors);
        self.usage.input += reply.usage.input;
        self.cost = self.cost + reply.cost;
        self.cached += usize::from(reply.source == AskSource::Cache);
        Ok(())
    }
}

/// A portion in the form in which requests are recorded.
fn portion(embed: &Embed, texts: &[String]) -> Ask {
    let message = |text: &String| Message {
        role: Role::User,
        text: text.clone(),
    };
    Ask {
        stage: embed.stage,
        run: embed.run.clone(),
        task: embed.task.clone(),
        messages: texts.iter().map(message).collect(),
        schema: None,
        template: TEMPLATE.to_owned(),
        template_version: Digest::of(TEMPLATE),
        attempt: 1,
        facts: serde_json::Value::Null,
    }
}
