//! `atelier audit show`: entries by run, kind, key and time, and proofs of single ones.

use std::collections::VecDeque;

use atelier_model::{AuditEntry, AuditFact, Timestamp};
use atelier_store::Store;
use clap::Args;
use serde_json::{Value, json};

use crate::{
    app::Place,
    cli_error::CliError,
    commands::{audit::partial, log},
    ui::{Tone, Ui, plain},
};

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// Entries shown where nothing is said of it.
const LAST: usize = 50;
/// Entries shown at most.
const LAST_MAX: usize = 1_000_000;

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Only entries of the run whose id begins so
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Only entries of this kind, such as `ask.finished`; `ask` means all that begin with `ask.`,
    /// and requests on whose way that was decided
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,

    /// Only entries about the client of this name or id, or the provider's key of this id
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Option<String>,

    /// Only entries from this instant on, such as `2026-11-20T08:00:00Z` or `2026-11-20`
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<Timestamp>,

    /// Only entries before this instant
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,

    /// At most so many, the newest
    #[arg(long, value_name = "COUNT", default_value_t = LAST)]
    pub(crate) last: usize,

    /// Instead prove that the entry of this number is in the log as it is signed, as JSON
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["run", "kind", "key", "since", "until"])]
    pub(crate) proof: Option<u64>,

    /// Instead prove that the log as it is signed begins with its first so many entries, as JSON
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["run", "kind", "key", "since", "until",
        "proof"])]
    pub(crate) growth: Option<u64>,

    /// Instead print what had come of an answer that broke off; an entry names it after `partial=`
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["run", "kind", "key", "since", "until",
        "proof", "growth"])]
    pub(crate) partial: Option<String>,
}

/// An instant, or the beginning of a day in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z").parse();
    let read = text.parse::<Timestamp>().or(day);
    read.map_err(|_| "write it as `2026-11-20T08:00:00Z` or `2026-11-20`".to_owned())
}

pub(crate) async fn run(place: &Place, args: &ShowArgs, ui: &Ui) -> Result<u8, CliError> {
    if let Some(kind) = &args.kind {
        known(kind)?;
    }
    let store = place.ledger_store_read(ui).await?;
    if let Some(digest) = &args.partial {
        partial::print(&store, digest, ui).await?;
        return Ok(0);
    }
    if let Some(number) = args.proof.or(args.growth) {
        signed(&store, number).await?;
    }
    if let Some(seq) = args.proof {
        ui.out(&proof(&store, seq).await?.to_string());
        return Ok(0);
    }
    if let Some(size) = args.growth {
        ui.out(&growth(&store, size).await?.to_string());
        return Ok(0);
    }
    let mut shown: VecDeque<AuditEntry> = VecDeque::new();
    let mut after = 0;
    loop {
        let rows = store.audit_rows(after, PAGE).await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.seq;
        // What cannot be read is told by `audit verify`.
        let entries = rows
            .iter()
            .filter_map(|row| serde_json::from_str(&row.body).ok());
        for entry in entries.filter(|entry| args.wants(entry)) {
            shown.push_back(entry);
            if shown.len() > args.last.min(LAST_MAX) {
                shown.pop_front();
            }
        }
    }
    for entry in &shown {
        ui.out(&line(ui, entry));
    }
    if shown.is_empty() {
        ui.status("no entries");
    }
    Ok(0)
}

/// Refuses a kind that no entry has.
fn known(kind: &str) -> Result<(), CliError> {
    let begins = |name: &&str| is_begun_by(name, kind);
    if AuditFact::NAMES.iter().any(begins) {
        return Ok(());
    }
    Err(CliError::NotFound {
        what: "the kind of entries",
        name: kind.to_owned(),
        known: AuditFact::NAMES.map(str::to_owned).to_vec(),
    })
}

/// Refuses a number that the log as it is signed does not reach.
async fn signed(store: &Store, number: u64) -> Result<(), CliError> {
    let newest = store.audit_newest().await?.map_or(0, |newest| newest.size);
    if (1..=newest).contains(&number) {
        return Ok(());
    }
    let known = (newest > 0).then(|| format!("1 to {newest}"));
    Err(CliError::NotFound {
        what: "a signed entry of the audit log, number",
        name: number.to_string(),
        known: known.into_iter().collect(),
    })
}

impl ShowArgs {
    fn wants(&self, entry: &AuditEntry) -> bool {
        let of_kind = |wanted: &String| {
            is_of_kind(&entry.fact, wanted)
                || decisions(&entry.fact).any(|fact| is_of_kind(fact, wanted))
        };
        let of_run = |wanted: &String| {
            let run = entry.run.as_ref().map_or("", |run| run.as_str());
            !run.is_empty() && run.starts_with(&wanted.to_uppercase())
        };
        let of_key = |wanted: &String| {
            let client = entry.client.as_ref();
            client.is_some_and(|client| is_client(client, wanted))
                || entry.fact.key_name() == Some(wanted)
                || decisions(&entry.fact).any(|fact| fact.key_name() == Some(wanted))
        };
        self.run.as_ref().is_none_or(of_run)
            && self.kind.as_ref().is_none_or(of_kind)
            && self.key.as_ref().is_none_or(of_key)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

/// What was decided on the way of a request; it stands in the request's own entry.
fn decisions(fact: &AuditFact) -> impl Iterator<Item = &AuditFact> {
    let decided: &[AuditFact] = if let AuditFact::RequestFinished(request) = fact {
        &request.decisions
    } else {
        &[]
    };
    decided.iter()
}

fn is_of_kind(fact: &AuditFact, wanted: &str) -> bool {
    is_begun_by(fact.name(), wanted)
}

fn is_begun_by(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a client, on record as `name (id)`, is meant by its name, its id or both.
fn is_client(client: &str, wanted: &str) -> bool {
    let parts = client
        .strip_suffix(')')
        .and_then(|client| client.rsplit_once(" ("));
    client == wanted || parts.is_some_and(|(name, id)| name == wanted || id == wanted)
}

fn line(ui: &Ui, entry: &AuditEntry) -> String {
    let fact = serde_json::to_value(&entry.fact).unwrap_or_default();
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": entry.fact.name(), "seq": entry.seq, "at": entry.at,
            "run": entry.run, "task": entry.task, "client": entry.client, "event": entry.event,
            "fact": fact,
        });
        return line.to_string();
    }
    let kind = ui.ink(Tone::Strong, &format!("{:<17}", entry.fact.name()));
    let client = entry
        .client
        .as_ref()
        .map_or_else(String::new, |client| format!("client={} ", plain(client)));
    let at = entry.at.to_string();
    let line = format!("{:>5} {at} {kind} {client}{}", entry.seq, log::facts(&fact));
    line.trim_end().to_owned()
}

async fn proof(store: &Store, seq: u64) -> Result<Value, CliError> {
    let (checkpoint, proof) = store.audit_proof(seq).await?;
    let rows = store.audit_rows(seq.saturating_sub(1), 1).await?;
    let row = rows.first();
    let leaf = row.map(|row| row.leaf);
    let body = row.map(|row| row.body.clone());
    let holds = leaf
        .is_some_and(|leaf| proof.holds_for_leaf(leaf, seq - 1, checkpoint.size, checkpoint.root));
    Ok(json!({
        "v": 1, "type": "inclusion", "seq": seq, "leaf": leaf, "body": body,
        "path": proof.path, "checkpoint": checkpoint, "holds": holds,
    }))
}

async fn growth(store: &Store, old: u64) -> Result<Value, CliError> {
    let (checkpoint, proof) = store.audit_growth(old).await?;
    let root = store.audit_root(old).await?;
    let holds = proof.holds_for_growth((old, root), (checkpoint.size, checkpoint.root));
    Ok(json!({
        "v": 1, "type": "consistency", "old_size": old, "old_root": root,
        "path": proof.path, "checkpoint": checkpoint, "holds": holds,
    }))
}
