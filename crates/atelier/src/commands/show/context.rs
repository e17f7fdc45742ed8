//! What the prompts of a task were put together from, and the summaries of a run.

use atelier_model::{PromptPart, PromptRecord, Run, SummaryMaker, SummaryRecord};
use atelier_prompt::summary;
use atelier_store::Store;

use crate::{
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// Shows each conversation about a task: what it began with, in which form, and what was left out.
pub(super) fn prompts(ui: &Ui, prompts: &[PromptRecord]) {
    for prompt in prompts {
        let head = format!(
            "prompt of attempt {}: about {} tokens",
            prompt.attempt, prompt.tokens
        );
        ui.out(&format!("\n{}", ui.ink(Tone::Strong, &head)));
        for part in &prompt.parts {
            ui.out(&format!("  {}", line(part)));
        }
    }
}

fn line(part: &PromptPart) -> String {
    let tokens = if part.tokens < part.tokens_full {
        format!("{} of {} tokens", part.tokens, part.tokens_full)
    } else {
        format!("{} tokens", part.tokens)
    };
    let mut line = format!("{}: {}, {tokens}", plain(&part.name), plain(&part.form));
    if !part.why.is_empty() {
        line = format!("{line} ({})", plain(&part.why));
    }
    line
}

/// Shows the summaries that a run made, each with who made it.
pub(super) async fn summaries(ui: &Ui, store: &Store, run: &Run) -> Result<(), CliError> {
    let made = store.summary_list(&run.id).await?;
    if ui.is_json() {
        let list: Vec<_> = made.iter().map(value).collect();
        ui.out(&serde_json::json!({"v": 1, "summaries": list}).to_string());
        return Ok(());
    }
    if made.is_empty() {
        ui.status("no text of this run was long enough for a summary");
    }
    for one in &made {
        let mut head = format!("{}, {}", plain(&one.name), maker(one.maker));
        if !one.fault.is_empty() {
            head = format!("{head}: {}", plain(&one.fault));
        }
        ui.out(&ui.ink(Tone::Strong, &head));
        for line in summary::render(&one.summary).lines() {
            ui.out(&plain(line));
        }
    }
    Ok(())
}

fn maker(maker: SummaryMaker) -> &'static str {
    match maker {
        SummaryMaker::Model => "by a model",
        SummaryMaker::Extract => "an extract of its own words",
    }
}

fn value(one: &SummaryRecord) -> serde_json::Value {
    serde_json::json!({
        "name": one.name, "key": one.key, "maker": one.maker, "fault": one.fault,
        "summary": one.summary, "at": one.at,
    })
}
