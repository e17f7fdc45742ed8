//! Why a task was worked on, or why it was not.

use std::collections::BTreeMap;

use atelier_llm::{AskDivergence, RecordedAsk};
use atelier_model::{
    AskDescriptor, AskRecord, AskSource, Attempt, AttemptOutcome, Digest, EventKind, Message, Run,
    Task, TaskId, TaskState,
};
use atelier_store::{Store, StoreError};
use serde::Serialize;

/// Earlier runs whose questions are looked at.
const EARLIER_RUNS_MAX: u32 = 20;

/// Why a task stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskWhy {
    /// The task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: TaskState,
    /// Why it stands there.
    pub because: String,
    /// Why each attempt was made, and what answered it.
    pub attempts: Vec<AttemptWhy>,
}

/// Why an attempt was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptWhy {
    /// Its ordinal.
    pub ordinal: u32,
    /// Why it was made.
    pub because: String,
    /// Who answered: a provider, or the store.
    pub answered_by: Option<AskSource>,
    /// Why the store had no answer: in what the question differs from the nearest one before it.
    pub asked_anew: Option<String>,
}

/// Says why a task of a run was worked on, or why it was not.
pub async fn why_task(store: &Store, run: &Run, task: &Task) -> Result<TaskWhy, StoreError> {
    let tasks = store.task_list(&run.id).await?;
    let attempts = store.attempt_list(&run.id, &task.id).await?;
    let ended = ends(store, run, task).await?;
    let asks = store.ask_list(&run.id).await?;
    let mut told = Vec::new();
    for attempt in &attempts {
        let own = |ask: &&AskRecord| {
            ask.task.as_ref() == Some(&task.id) && ask.attempt == attempt.ordinal
        };
        let ask = asks.iter().find(own);
        told.push(AttemptWhy {
            ordinal: attempt.ordinal,
            because: why_attempt(task, attempt, &attempts, &ended),
            answered_by: ask.and_then(|ask| ask.source),
            asked_anew: match ask.filter(|ask| ask.source == Some(AskSource::Provider)) {
                Some(ask) => asked_anew(store, run, ask, &asks).await?,
                None => None,
            },
        });
    }
    Ok(TaskWhy {
        task: task.id.clone(),
        title: task.title.clone(),
        state: task.state,
        because: why_state(store, run, task, &tasks).await?,
        attempts: told,
    })
}

/// What the ends of a task's attempts were put down to.
async fn ends(store: &Store, run: &Run, task: &Task) -> Result<BTreeMap<u32, String>, StoreError> {
    let events = store.event_list_kind(&run.id, "attempt.finished").await?;
    let own = events
        .into_iter()
        .filter(|event| event.task.as_ref() == Some(&task.id));
    Ok(own
        .filter_map(|event| {
            if let EventKind::AttemptFinished {
                ordinal, reason, ..
            } = event.kind
            {
                Some((ordinal, reason))
            } else {
                None
            }
        })
        .collect())
}

fn why_attempt(
    task: &Task,
    attempt: &Attempt,
    all: &[Attempt],
    ended: &BTreeMap<u32, String>,
) -> String {
    let before = all.iter().rev().find(|one| one.ordinal < attempt.ordinal);
    let Some(before) = before else {
        return "the task is new in this run".to_owned();
    };
    if attempt.ordinal == task.round_first {
        return "a person had it done again".to_owned();
    }
    let reason = ended
        .get(&before.ordinal)
        .filter(|reason| !reason.is_empty());
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let number = before.ordinal;
    match before.outcome {
        Some(AttemptOutcome::EditsRefused) => {
            format!("the edits of attempt {number} were refused{reason}")
        }
        Some(AttemptOutcome::ChecksFailed) => {
            format!("a check of attempt {number} failed{reason}")
        }
        Some(AttemptOutcome::Conflict) => {
            format!("the trunk had moved under attempt {number}{reason}")
        }
        Some(AttemptOutcome::Interrupted) | None => {
            format!("attempt {number} was interrupted{reason}")
        }
        Some(AttemptOutcome::Passed) => {
            format!("what attempt {number} had passed with was changed")
        }
    }
}

/// Why a task stands where it stands, from what it waits for and its newest move.
async fn why_state(
    store: &Store,
    run: &Run,
    task: &Task,
    tasks: &[Task],
) -> Result<String, StoreError> {
    let settled = |state| matches!(state, TaskState::Done | TaskState::Waived);
    let open: Vec<String> = tasks
        .iter()
        .filter(|one| task.depends_on.contains(&one.id) && !settled(one.state))
        .map(|one| format!("{} ({})", one.id, one.title))
        .collect();
    let moved = store.event_list_kind(&run.id, "task.state").await?;
    let own = moved
        .into_iter()
        .rev()
        .filter(|event| event.task.as_ref() == Some(&task.id));
    let reason = own
        .filter_map(|event| {
            if let EventKind::TaskState { reason, .. } = event.kind {
                Some(reason)
            } else {
                None
            }
        })
        .find(|reason| !reason.is_empty());
    let said = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Ok(match task.state {
        TaskState::Pending if open.is_empty() => "what it depends on was just done".to_owned(),
        TaskState::Pending => format!("it waits for {}", open.join(", ")),
        TaskState::Ready => "it may begin, and waits for room".to_owned(),
        TaskState::Running | TaskState::Verifying | TaskState::Merging => {
            "it is being worked on".to_owned()
        }
        TaskState::Done => match &task.commit {
            Some(commit) => {
                let short = commit.get(..12).unwrap_or(commit);
                format!("its work stands verified in commit {short}; the same is not done again")
            }
            None => "it is done; the same is not done again".to_owned(),
        },
        TaskState::Blocked => format!("a person is needed{said}"),
        TaskState::Failed => format!("its attempts are used up{said}"),
        TaskState::Cancelled => format!("it was cancelled{said}"),
        TaskState::Skipped => format!("a person left it out{said}"),
        TaskState::Waived => format!("a person does without its acceptance{said}"),
    })
}

/// In what a question that was paid for differs from the nearest one of the same task that was
/// asked before it, in this run or an earlier one.
async fn asked_anew(
    store: &Store,
    run: &Run,
    ask: &AskRecord,
    asks: &[AskRecord],
) -> Result<Option<String>, StoreError> {
    let own = store.ask_key_list(&run.id).await?;
    let Some(asked) = own.get(&ask.key) else {
        return Ok(None);
    };
    let mut before = recorded(asks, ask, &own);
    for earlier in store.run_list(EARLIER_RUNS_MAX).await? {
        if earlier.id != run.id && earlier.created_at < run.created_at {
            let keys = store.ask_key_list(&earlier.id).await?;
            before.extend(recorded(&store.ask_list(&earlier.id).await?, ask, &keys));
        }
    }
    if before.is_empty() {
        return Ok(None);
    }
    let nearest = before
        .into_iter()
        .min_by_key(|one| one.descriptor.distance(asked));
    let Some(mut nearest) = nearest else {
        return Ok(None);
    };
    nearest.messages = messages(store, &nearest.key, asks).await?;
    let now = messages(store, &ask.key, asks).await?;
    let of = (ask.stage, ask.task.as_ref());
    let told = AskDivergence::between(of, asked, &now, Some(&nearest));
    Ok(Some(told.to_string()))
}

/// Answered asks of the same stage and task that came before one.
fn recorded(
    asks: &[AskRecord],
    ask: &AskRecord,
    keys: &BTreeMap<Digest, AskDescriptor>,
) -> Vec<RecordedAsk> {
    asks.iter()
        .filter(|one| one.stage == ask.stage && one.task == ask.task && one.reply.is_some())
        .filter(|one| one.at < ask.at && one.key != ask.key)
        .filter_map(|one| {
            Some(RecordedAsk {
                stage: one.stage,
                task: one.task.clone(),
                key: one.key,
                provider: one.provider.clone(),
                descriptor: keys.get(&one.key)?.clone(),
                messages: Vec::new(),
            })
        })
        .collect()
}

/// What was said in an ask, where this run has asked it.
async fn messages(
    store: &Store,
    key: &Digest,
    asks: &[AskRecord],
) -> Result<Vec<Message>, StoreError> {
    let Some(ask) = asks.iter().find(|ask| ask.key == *key) else {
        return Ok(Vec::new());
    };
    let bytes = store.blob_fetch(&ask.prompt).await?.unwrap_or_default();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}
