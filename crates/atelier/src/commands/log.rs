//! `atelier log`: what happened, event by event.

use atelier_model::{Event, RouteChoice};
use clap::Args;
use serde::Deserialize as _;
use serde_json::Value;

use super::{ending::short, select};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui, plain},
    watch,
};

/// Characters from which hexadecimal digits are taken for a digest.
const DIGEST_MIN: usize = 40;
/// Newest events that can be asked for by number.
const LAST_MAX: i64 = 10_000;
/// Events read at once.
const PAGE: u32 = 500;

/// Show what happened in a run, event by event
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Only events after this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) after: u64,

    /// Only so many of the newest events
    #[arg(long, short = 'n', value_name = "COUNT", conflicts_with = "after")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=LAST_MAX))]
    pub(crate) last: Option<u32>,
}

pub(crate) async fn run(global: &Global, args: &LogArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store_read(ui).await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    if let Some(last) = args.last {
        tell(ui, &store.event_list_newest(&run.id, last).await?);
        return Ok(0);
    }
    let mut after = args.after;
    loop {
        let page = store.event_list_run(&run.id, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(0);
        };
        after = last.seq;
        tell(ui, &page);
    }
}

fn tell(ui: &Ui, events: &[Event]) {
    for event in events {
        if ui.is_json() {
            ui.out(&watch::json(event));
        } else {
            ui.out(&line(ui, event));
        }
    }
}

/// An event as people read it: number, time, kind, task, and its facts.
fn line(ui: &Ui, event: &Event) -> String {
    let task = event
        .task
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let time = event.at.to_string();
    let time = time.get(11..19).unwrap_or(&time);
    let kind = ui.ink(Tone::Strong, &format!("{:<17}", event.kind.name()));
    let facts = facts(&serde_json::to_value(&event.kind).unwrap_or_default());
    let line = format!("{:>5} {time} {kind} {task:<6} {facts}", event.seq);
    line.trim_end().to_owned()
}

/// What an event says, without what is empty; digests and commits by their first characters.
pub(super) fn facts(kind: &Value) -> String {
    let fields = kind.as_object().into_iter().flatten();
    let said = fields
        .filter(|(name, _)| *name != "type")
        .filter_map(|(name, value)| {
            if let Some(choice) = choice(name, value) {
                return Some(format!("{name}=\"{}\"", plain(&choice.to_string())));
            }
            let text = match value {
                Value::Null => return None,
                Value::Array(items) => items.iter().map(fact).collect::<Vec<_>>().join(", "),
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                    fact(value)
                }
            };
            (!text.is_empty()).then(|| format!("{name}={text}"))
        });
    said.collect::<Vec<_>>().join(" ")
}

/// The choice of a route, which has words of its own.
fn choice(name: &str, value: &Value) -> Option<RouteChoice> {
    let is_choice = name == "choice" && value.is_object();
    is_choice
        .then(|| RouteChoice::deserialize(value).ok())
        .flatten()
}

fn fact(value: &Value) -> String {
    match value.as_str() {
        Some(text) => brief(text),
        None => plain(&value.to_string()),
    }
}

fn brief(text: &str) -> String {
    let is_digest = text.len() >= DIGEST_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = if is_digest { short(text) } else { text };
    if text.contains(' ') {
        format!("\"{}\"", plain(text))
    } else {
        plain(text)
    }
}
