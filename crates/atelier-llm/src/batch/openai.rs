//! Batches as `OpenAI` takes them: a file of questions, a batch of it, a file of answers.

use atelier_model::Digest;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    BatchError, BatchOutcome, BatchProgress, BatchQuestions, BatchStage, Batches,
    exchange::{JSON, named},
    questions::ENDPOINT,
};
use crate::wire;

/// The name under which a batch carries its token.
const TOKEN: &str = "atelier";

/// Batches in which one is looked for: as many as one page has.
const LISTED: &str = "100";

/// Sends the questions as a file, which costs nothing, and returns its name.
pub(super) async fn upload(
    batches: &Batches,
    questions: &BatchQuestions,
    token: &str,
) -> Result<String, BatchError> {
    let mut lines = String::new();
    for (name, body) in questions.sent(token) {
        // The body is JSON already, and is not read again for this.
        let to = r#"","method":"POST","url":""#;
        lines.extend([
            r#"{"custom_id":""#,
            &name,
            to,
            ENDPOINT,
            r#"","body":"#,
            body,
            "}\n",
        ]);
    }
    // No content holds its own digest, so it never ends the part too early.
    let boundary = format!("atelier-{}", Digest::of(&lines));
    let kind = format!("multipart/form-data; boundary={boundary}");
    let form = Some((kind.as_str(), form(&boundary, &lines)));
    let file = batches.said(Method::POST, (&["files"], &[]), form).await?;
    named(&file, "id")
}

/// Orders the batch of a file: this costs money.
pub(super) async fn order(
    batches: &Batches,
    file: &str,
    token: &str,
) -> Result<String, BatchError> {
    let order = json!({
        "input_file_id": file, "endpoint": ENDPOINT, "completion_window": "24h",
        "metadata": {TOKEN: token},
    });
    let order = Some((JSON, order.to_string().into_bytes()));
    let made = batches
        .said(Method::POST, (&["batches"], &[]), order)
        .await?;
    named(&made, "id")
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

/// Asks the provider to do no more.
pub(super) async fn cancel(batches: &Batches, id: &str) -> Result<(), BatchError> {
    let address = (&["batches", id, "cancel"][..], &[][..]);
    batches.said(Method::POST, address, None).await.map(drop)
}

/// The answers in a file, by the names their questions were sent with.
pub(super) async fn answers(
    batches: &Batches,
    file: &str,
) -> Result<Vec<(String, BatchOutcome)>, BatchError> {
    let lines = batches.lines(&["files", file, "content"]).await?;
    lines.into_iter().map(answer).collect()
}

/// One line of answers.
pub(super) fn answer(mut line: Value) -> Result<(String, BatchOutcome), BatchError> {
    let name = named(&line, "custom_id")?;
    let status = line.pointer("/response/status_code");
    let status = status
        .and_then(Value::as_u64)
        .and_then(|code| code.try_into().ok());
    let response = line.pointer_mut("/response/body").map(Value::take);
    let outcome = match response {
        Some(response) if status == Some(200) => BatchOutcome::Answered {
            text: text(&response),
            usage: response.get("usage").and_then(wire::openai::usage),
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

/// The text of an answer.
pub(super) fn text(response: &Value) -> String {
    let text = response.pointer("/choices/0/message/content");
    text.and_then(Value::as_str).unwrap_or_default().to_owned()
}
