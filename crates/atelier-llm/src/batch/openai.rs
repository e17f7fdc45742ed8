//! Batches as `OpenAI` takes them: a file of questions, a batch of it, a file of answers.

use atelier_model::{Digest, Usage};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    BatchError, BatchOutcome, BatchProgress, BatchQuestions, BatchStage, Batches, malformed, named,
    questions::ENDPOINT,
};
use crate::{CallError, wire};

/// The name under which a batch carries its token.
const TOKEN: &str = "atelier";

/// Batches in which one is looked for: as many as one page has.
const LISTED: &str = "100";

const JSON: &str = "application/json";

/// Sends the questions as a file, then the batch of it: only the second costs anything.
pub(super) async fn submit(
    batches: &Batches,
    questions: &BatchQuestions,
    token: &str,
) -> Result<String, BatchError> {
    // No content holds its own digest, so it never ends the part too early.
    let boundary = format!("atelier-{}", Digest::of(&questions.lines));
    let kind = format!("multipart/form-data; boundary={boundary}");
    let form = form(&boundary, &questions.lines);
    let file = batches
        .said(Method::POST, (&["files"], &[]), Some((&kind, form)))
        .await?;
    let order = json!({
        "input_file_id": named(&file, "id")?, "endpoint": ENDPOINT, "completion_window": "24h",
        "metadata": {TOKEN: token},
    });
    let order = Some((JSON, order.to_string().into_bytes()));
    let made = batches.said(Method::POST, (&["batches"], &[]), order).await;
    let made = made.and_then(|made| named(&made, "id"));
    made.map_err(|error| {
        if let BatchError::Call(cause) = error {
            if is_certain(&cause) {
                BatchError::Call(cause)
            } else {
                BatchError::Uncertain(cause)
            }
        } else {
            error
        }
    })
}

/// Whether a failed order certainly made no batch.
fn is_certain(error: &CallError) -> bool {
    match error {
        // 408 is what a server between says that gave up waiting.
        CallError::Status { status, .. } => *status < 500 && *status != 408,
        CallError::KeyMissing | CallError::Connect { .. } => true,
        CallError::Reported { .. }
        | CallError::Broken { .. }
        | CallError::TimedOut { .. }
        | CallError::Truncated
        | CallError::Malformed { .. }
        | CallError::TooLarge { .. }
        | CallError::Scaffold(_) => false,
    }
}

fn form(boundary: &str, lines: &str) -> Vec<u8> {
    let part = "Content-Disposition: form-data; name=";
    format!(
        "--{boundary}\r\n{part}\"purpose\"\r\n\r\nbatch\r\n\
         --{boundary}\r\n{part}\"file\"; filename=\"batch.jsonl\"\r\n\
         Content-Type: application/jsonl\r\n\r\n{lines}\r\n--{boundary}--\r\n"
    )
    .into_bytes()
}

/// Looks for a token among the newest batches.
pub(super) async fn find(batches: &Batches, token: &str) -> Result<Option<String>, BatchError> {
    let page = (&["batches"][..], &[("limit", LISTED)][..]);
    let listed = batches.said(Method::GET, page, None).await?;
    let listed = listed.get("data").and_then(Value::as_array);
    let mut listed = listed.into_iter().flatten();
    let found = listed.find(|batch| batch["metadata"][TOKEN] == token);
    found.map(|batch| named(batch, "id")).transpose()
}

pub(super) async fn look(batches: &Batches, id: &str) -> Result<BatchProgress, BatchError> {
    let batch = batches
        .said(Method::GET, (&["batches", id], &[]), None)
        .await?;
    let word = named(&batch, "status")?;
    let stage = match word.as_str() {
        "completed" | "expired" | "cancelled" => BatchStage::Ended,
        "failed" => BatchStage::Refused,
        _ => BatchStage::Going,
    };
    let counted = |name| batch["request_counts"][name].as_u64().unwrap_or(0);
    let said = batch.pointer("/errors/data/0/message");
    let places = ["output_file_id", "error_file_id"].into_iter();
    Ok(BatchProgress {
        stage,
        succeeded: counted("completed"),
        failed: counted("failed"),
        said: said.and_then(Value::as_str).map(wire::tidy),
        places: places
            .filter_map(|name| batch[name].as_str().map(str::to_owned))
            .collect(),
        word: wire::tidy(&word),
    })
}

/// The answers in a file, by the names of their questions.
pub(super) async fn answers(
    batches: &Batches,
    file: &str,
) -> Result<Vec<(String, BatchOutcome)>, BatchError> {
    let address = (&["files", file, "content"][..], &[][..]);
    let bytes = batches.exchange(Method::GET, address, None).await?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("its answers are no text"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(answer).collect()
}

/// One line of answers.
pub(super) fn answer(line: &str) -> Result<(String, BatchOutcome), BatchError> {
    let mut line: Value =
        serde_json::from_str(line).map_err(|_| malformed("a line of its answers is no JSON"))?;
    let name = named(&line, "custom_id")?;
    let status = line.pointer("/response/status_code");
    let status = status
        .and_then(Value::as_u64)
        .and_then(|code| code.try_into().ok());
    let response = line.pointer_mut("/response/body").map(Value::take);
    let outcome = match response {
        Some(response) if status == Some(200) => BatchOutcome::Answered {
            text: text(&response),
            usage: usage(&response),
            response,
        },
        other => {
            let error = line.get("error").filter(|error| error.is_object());
            let said = error.and_then(|error| error["message"].as_str());
            let said = said.map(wire::tidy);
            let said = said.or_else(|| wire::said(&other?));
            BatchOutcome::Failed {
                status,
                said: said.unwrap_or_else(|| "no reason".to_owned()),
            }
        }
    };
    Ok((name, outcome))
}

fn text(response: &Value) -> String {
    let text = response.pointer("/choices/0/message/content");
    text.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn usage(response: &Value) -> Usage {
    let counted = |path| response.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    Usage {
        input: counted("/usage/prompt_tokens"),
        output: counted("/usage/completion_tokens"),
        cached_input: counted("/usage/prompt_tokens_details/cached_tokens"),
        ..Usage::default()
    }
}
