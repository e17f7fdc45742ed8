//! Batches as Anthropic takes them: all questions in one request, and a list of answers.
//!
//! A batch carries no mark there that its list would show, but its questions carry names, which
//! come back with the answers. So a batch whose making nobody heard of is told by its size and its
//! time as long as it is under way, and proved by the names when it has ended.

use std::time::Duration;

use atelier_model::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::{
    BatchError, BatchFound, BatchOutcome, BatchProgress, BatchQuestions, BatchStage, BatchTrace,
    Batches,
    exchange::{JSON, named},
};
use crate::wire::{self, Dialect as _, anthropic::Messages};

/// Batches in which one is looked for: as many as one page has.
const LISTED: &str = "100";

/// How far the provider's clock may be from ours.
const SKEW: Duration = Duration::from_mins(10);

/// Sends the questions, once: this costs money.
pub(super) async fn order(
    batches: &Batches,
    questions: &BatchQuestions,
    token: &str,
) -> Result<String, BatchError> {
    let asked = questions.sent(token).map(|(name, body)| {
        // The body is JSON already, and is not read again for this.
        format!(r#"{{"custom_id":"{name}","params":{body}}}"#)
    });
    let asked: Vec<String> = asked.collect();
    let order = format!(r#"{{"requests":[{}]}}"#, asked.join(","));
    let order = Some((JSON, order.into_bytes()));
    let address = (&["messages", "batches"][..], &[][..]);
    let made = batches.said(Method::POST, address, order).await?;
    named(&made, "id")
}

/// Looks for a batch among the newest ones.
pub(super) async fn find(
    batches: &Batches,
    trace: BatchTrace<'_>,
) -> Result<BatchFound, BatchError> {
    let page = (&["messages", "batches"][..], &[("limit", LISTED)][..]);
    let listed = batches.said(Method::GET, page, None).await?;
    let listed = listed.get("data").and_then(Value::as_array);
    let most_ms = batches.limits.ask_total_ms_max;
    let alike = listed.into_iter().flatten();
    let alike = alike.filter(|batch| is_alike(batch, trace, most_ms));
    let mut open = 0;
    for batch in alike {
        let id = named(batch, "id")?;
        if progress(batch)?.stage == BatchStage::Going {
            open += 1;
        } else if is_named(&results(batches, &id).await?, trace.token) {
            return Ok(BatchFound::Here(id));
        }
    }
    Ok(match open {
        0 => BatchFound::Nowhere,
        open => BatchFound::Perhaps(open),
    })
}

/// Whether a batch may be the one: as many questions, made when the request went out, and no other.
pub(super) fn is_alike(batch: &Value, trace: BatchTrace<'_>, most_ms: u64) -> bool {
    let counts = batch["request_counts"].as_object();
    let counts = counts.into_iter().flatten();
    let questions: u64 = counts.filter_map(|(_, count)| count.as_u64()).sum();
    let id = batch["id"].as_str().unwrap_or_default();
    let made = batch["created_at"].as_str();
    let made = made.and_then(|at| at.parse::<Timestamp>().ok());
    let skew_ms = i64::try_from(SKEW.as_millis()).unwrap_or(i64::MAX);
    let most_ms = i64::try_from(most_ms).unwrap_or(i64::MAX);
    let is_then = made.is_some_and(|made| {
        let later_ms = made.millis().saturating_sub(trace.ordered_at.millis());
        later_ms >= -skew_ms && later_ms <= most_ms.saturating_add(skew_ms)
    });
    questions == trace.questions as u64 && is_then && !trace.others.contains(id)
}

/// Whether answers are those of a batch.
fn is_named(lines: &[Value], token: &str) -> bool {
    let name = lines.first().and_then(|line| line["custom_id"].as_str());
    name.is_some_and(|name| name.starts_with(token))
}

pub(super) async fn look(batches: &Batches, id: &str) -> Result<BatchProgress, BatchError> {
    let address = (&["messages", "batches", id][..], &[][..]);
    progress(&batches.said(Method::GET, address, None).await?)
}

fn progress(batch: &Value) -> Result<BatchProgress, BatchError> {
    let word = named(batch, "processing_status")?;
    let stage = match word.as_str() {
        "ended" => BatchStage::Ended,
        _ => BatchStage::Going,
    };
    let counted = |name| batch["request_counts"][name].as_u64().unwrap_or(0);
    let places = match stage {
        BatchStage::Ended => vec![named(batch, "id")?],
        BatchStage::Going | BatchStage::Refused => Vec::new(),
    };
    Ok(BatchProgress {
        stage,
        succeeded: counted("succeeded"),
        failed: ["errored", "canceled", "expired"]
            .into_iter()
            .map(counted)
            .sum(),
        said: None,
        places,
        word: wire::tidy(&word),
    })
}

/// Asks the provider to do no more.
pub(super) async fn cancel(batches: &Batches, id: &str) -> Result<(), BatchError> {
    let address = (&["messages", "batches", id, "cancel"][..], &[][..]);
    batches.said(Method::POST, address, None).await.map(drop)
}

async fn results(batches: &Batches, id: &str) -> Result<Vec<Value>, BatchError> {
    // The batch names an address for them, which might lead anywhere; this one is documented.
    let segments = ["messages", "batches", id, "results"];
    batches.lines(&segments).await
}

/// The answers of a batch, by the names their questions were sent with.
pub(super) async fn answers(
    batches: &Batches,
    id: &str,
) -> Result<Vec<(String, BatchOutcome)>, BatchError> {
    let lines = results(batches, id).await?;
    lines.into_iter().map(answer).collect()
}

/// One line of answers.
pub(super) fn answer(mut line: Value) -> Result<(String, BatchOutcome), BatchError> {
    let name = named(&line, "custom_id")?;
    let word = line["result"]["type"].as_str().unwrap_or_default();
    let outcome = match word {
        "succeeded" => answered(line["result"]["message"].take()),
        "errored" => {
            let error = &line["result"]["error"];
            BatchOutcome::Failed {
                status: None,
                said: wire::said(error).unwrap_or_else(|| "no reason".to_owned()),
            }
        }
        "canceled" => given_up("it was given up before it was asked"),
        "expired" => given_up("it was not asked within the time of the batch"),
        other => given_up(&wire::tidy(other)),
    };
    Ok((name, outcome))
}

fn answered(message: Value) -> BatchOutcome {
    let mut read = Messages::default();
    let usage = read.document(&message).and_then(|()| read.finish());
    BatchOutcome::Answered {
        text: text(&message),
        usage: usage.ok().and_then(|answer| answer.usage),
        response: message,
    }
}

fn given_up(said: &str) -> BatchOutcome {
    BatchOutcome::Failed {
        status: None,
        said: said.to_owned(),
    }
}

/// The text of an answer.
pub(super) fn text(message: &Value) -> String {
    let blocks = message["content"].as_array().into_iter().flatten();
    let texts = blocks.filter(|block| block["type"] == "text");
    texts.filter_map(|block| block["text"].as_str()).collect()
}
