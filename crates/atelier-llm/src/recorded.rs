//! A gateway that knows recorded answers and nobody to ask.

use std::{collections::BTreeMap, fmt, sync::Arc};

use atelier_model::{
    AskDescriptor, AskDifference, Budget, Clock, Digest, IdSource, Limits, Message, Stage, TaskId,
};
use atelier_seal::SealKey;
use atelier_store::Store;

use crate::{
    AnswersFrom, Gateway, GatewayConfig, GatewayError, PriceTable, RateTable, Route,
    SemanticConfig, layers::Layers, provider_entry,
};

/// Letters of a line that is shown.
const SHOWN_CHARS_MAX: usize = 100;

/// One ask of a recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedAsk {
    /// Its stage.
    pub stage: Stage,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its key.
    pub key: Digest,
    /// Who answered.
    pub provider: String,
    /// What its key was made of.
    pub descriptor: AskDescriptor,
    /// What was asked, where that is recorded too.
    pub messages: Vec<Message>,
}

impl RecordedAsk {
    /// Whether what answered is no model but works from the facts of an ask.
    pub(crate) fn answers_from(&self) -> AnswersFrom {
        provider_entry(&self.provider).map_or(AnswersFrom::Messages, |entry| entry.answers_from)
    }
}

/// An ask to which nothing is recorded, and in what it differs from the nearest one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskDivergence {
    /// Its stage.
    pub stage: Stage,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its attempt ordinal.
    pub attempt: u32,
    /// Key of the nearest recorded ask; `None` where the stage and task have none.
    pub nearest: Option<Digest>,
    /// The first field that differs from the nearest one.
    pub difference: Option<AskDifference>,
    /// What was recorded there.
    pub was: String,
    /// What is asked now.
    pub is: String,
}

impl AskDivergence {
    /// Compares an ask with those of its stage and task.
    pub(crate) fn of(
        (stage, task): (Stage, Option<&TaskId>),
        asked: &AskDescriptor,
        messages: &[Message],
        recorded: &[RecordedAsk],
    ) -> Self {
        let own = recorded
            .iter()
            .filter(|one| one.stage == stage && one.task.as_ref() == task);
        let nearest = own.min_by_key(|one| one.descriptor.distance(asked));
        Self::between((stage, task), asked, messages, nearest)
    }

    /// Compares an ask with one that was recorded.
    pub fn between(
        (stage, task): (Stage, Option<&TaskId>),
        asked: &AskDescriptor,
        messages: &[Message],
        nearest: Option<&RecordedAsk>,
    ) -> Self {
        let difference = nearest.and_then(|one| one.descriptor.difference(asked));
        let (was, is) = nearest.map_or_else(Default::default, |one| {
            shown(difference.as_ref(), one, (asked, messages))
        });
        Self {
            stage,
            task: task.cloned(),
            attempt: asked.attempt,
            nearest: nearest.map(|one| one.key),
            difference,
            was,
            is,
        }
    }
}

impl fmt::Display for AskDivergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ask {} of stage {}", self.attempt, self.stage)?;
        if let Some(task) = &self.task {
            write!(f, " for task {task}")?;
        }
        let Some(difference) = &self.difference else {
            return f.write_str(": nothing of it is recorded");
        };
        write!(f, ": ")?;
        match difference {
            AskDifference::Version => f.write_str("the structure of keys")?,
            AskDifference::Model => f.write_str("the model")?,
            AskDifference::Template => f.write_str("the prompt template")?,
            AskDifference::Attempt => f.write_str("the attempt")?,
            AskDifference::Parameter(name) => f.write_str(name)?,
            AskDifference::Schema => f.write_str("the schema of the answer")?,
            AskDifference::Message(at) => write!(f, "message {}", at + 1)?,
            AskDifference::MessageCount => f.write_str("the number of messages")?,
        }
        write!(f, " differs: it was {}, now it is {}", self.was, self.is)
    }
}

/// What stands on both sides of a difference.
fn shown(
    difference: Option<&AskDifference>,
    recorded: &RecordedAsk,
    (asked, messages): (&AskDescriptor, &[Message]),
) -> (String, String) {
    let both = |of: &dyn Fn(&AskDescriptor) -> String| (of(&recorded.descriptor), of(asked));
    match difference {
        None => (String::new(), String::new()),
        Some(AskDifference::Version) => both(&|one| one.version.to_string()),
        Some(AskDifference::Model) => both(&|one| one.model.clone()),
        Some(AskDifference::Template) => both(&|one| one.template_version.short()),
        Some(AskDifference::Attempt) => both(&|one| one.attempt.to_string()),
        Some(AskDifference::Schema) => both(&|one| digest(one.schema.as_ref())),
        Some(AskDifference::MessageCount) => both(&|one| one.messages.len().to_string()),
        Some(AskDifference::Parameter(name)) => both(&|one| parameter(one, name)),
        Some(AskDifference::Message(at)) => {
            let text = |list: &[Message]| list.get(*at).map(|one| one.text.clone());
            match (text(&recorded.messages), text(messages)) {
                (Some(was), Some(is)) => first_difference(&was, &is),
                _ => both(&|one| digest(one.messages.get(*at).map(|(_, digest)| digest))),
            }
        }
    }
}

fn parameter(one: &AskDescriptor, name: &str) -> String {
    let unset = || "not set".to_owned();
    match name {
        "temperature" => one
            .temperature
            .map_or_else(unset, |value| value.to_string()),
        "effort" => one.effort.clone().unwrap_or_else(unset),
        "tokens_max" => one.tokens_max.to_string(),
        _ => one
            .among
            .as_ref()
            .map_or_else(unset, |(_, routes)| routes.join(", ")),
    }
}

fn digest(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), Digest::short)
}

/// The first line in which two texts differ.
fn first_difference(was: &str, is: &str) -> (String, String) {
    let (mut old, mut new) = (was.split('\n'), is.split('\n'));
    let mut number = 0_usize;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (None, None) => return ("the same".to_owned(), "the same".to_owned()),
            (one, another) if one != another => {
                let line = |line: Option<&str>| {
                    let shown = line.map_or_else(
                        || "at its end".to_owned(),
                        |line| {
                            let cut: String = line.chars().take(SHOWN_CHARS_MAX).collect();
                            format!("`{cut}`")
                        },
                    );
                    format!("{shown} (line {number})")
                };
                return (line(one), line(another));
            }
            _ => {}
        }
    }
}

impl Gateway {
    /// A gateway that answers from recorded asks whose replies the store holds. It reaches no
    /// provider: an ask that was not recorded fails with [`crate::AskError::Diverged`].
    pub fn recorded(
        recorded: Vec<RecordedAsk>,
        guard_key: Option<SealKey>,
        limits: Limits,
        store: Store,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
    ) -> Result<Self, GatewayError> {
        let routes = Stage::ALL
            .into_iter()
            .map(|stage| (stage, route(stage, &recorded)));
        let config = GatewayConfig {
            routes: routes.collect(),
            routing: BTreeMap::new(),
            upstreams: Vec::new(),
            stage_budgets: BTreeMap::new(),
            task_budget: Budget::default(),
            embeddings: None,
            prices: PriceTable::default(),
            guard_key: guard_key.clone(),
            semantic: SemanticConfig::default(),
            rates: RateTable::default(),
            limits,
        };
        let layers = Arc::new(Layers::recorded(recorded, guard_key));
        Self::with_layers(layers, config, store, (clock, ids))
    }
}

/// The route of a stage, as far as others than the layers look at it.
fn route(stage: Stage, recorded: &[RecordedAsk]) -> Route {
    let own = recorded.iter().find(|one| one.stage == stage);
    let Some(one) = own.or(recorded.first()) else {
        return Route::new("offline", "offline", 0);
    };
    let known = provider_entry(&one.provider).map(|entry| entry.name);
    // Under a name of the user's own there is always a model.
    let provider = known.unwrap_or("openai");
    Route::new(
        provider,
        one.descriptor.model.clone(),
        one.descriptor.tokens_max,
    )
}

#[cfg(test)]
mod tests;
