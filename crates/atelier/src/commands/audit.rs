//! `atelier audit`: proves that the audit log is what was written, shows it, and hands it on.

mod commits;
mod export;
mod partial;
mod show;

use std::{
    fs,
    path::{Path, PathBuf},
};

use atelier_model::{AuditReport, Checkpoint, Tampering, check_export};
use atelier_store::{AuditTrust, ChainError, StoreError};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app::Place,
    audit,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui},
};

/// Bytes of an export that is read.
const EXPORT_BYTES_MAX: u64 = 4 << 30;
/// Hexadecimal digits of a public key.
const KEY_DIGITS: usize = 64;

/// Prove, show and export the log of every model call, key and decision
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Recompute the log and say where it was tampered with; needs no network
    Verify(VerifyArgs),
    /// Show entries, the newest last
    Show(show::ShowArgs),
    /// Write the whole log with its checkpoints as JSON lines that anyone can check
    Export(export::ExportArgs),
}

/// What to verify.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// An export; the project's own log if left out
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Trust checkpoints signed with this public key, beside those of this user
    #[arg(long = "key", value_name = "HEX")]
    pub(crate) keys: Vec<String>,

    /// A checkpoint that was kept elsewhere: the log must go on from it
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, command: &AuditCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    match command {
        AuditCommand::Verify(args) => verify(&place, args, ui).await,
        AuditCommand::Show(args) => show::run(&place, args, ui).await,
        AuditCommand::Export(args) => export::run(&place, args, ui).await,
    }
}

async fn verify(place: &Place, args: &VerifyArgs, ui: &Ui) -> Result<u8, CliError> {
    let state = place.ledger_folder()?;
    let mut trust = audit::trust(&state)?;
    trust.keys.extend(keys(&args.keys)?);
    let kept = args.checkpoint.as_deref().map(checkpoint).transpose()?;
    let report = if let Some(file) = &args.file {
        // The copies are of this project's log; whether the export is of it is not known.
        trust.copies = kept.into_iter().collect();
        trust.unreadable.clear();
        export_report(file, &trust)?
    } else {
        trust.copies.extend(kept);
        own_report(place, &trust, ui).await?
    };
    tell(ui, &report, &trust);
    match report.tamperings.first() {
        None => Ok(0),
        Some(first) => Err(CliError::Tampered {
            count: report.tamperings.len() as u64 + report.more,
            first: first.clone(),
        }),
    }
}

/// Checks the project's log, and the chain of events that it refers to.
async fn own_report(place: &Place, trust: &AuditTrust, ui: &Ui) -> Result<AuditReport, CliError> {
    let store = place.ledger_store_read(ui).await?;
    let mut report = store.audit_verify(trust).await?;
    commits::compare(place, &store, &mut report).await?;
    match store.events_verify().await {
        Ok(_) => {}
        Err(ChainError::Changed { seq } | ChainError::Gone { seq }) => {
            report.tamperings.push(Tampering::EventChanged { seq });
        }
        Err(ChainError::Store(StoreError::Corrupt { .. })) => {
            report.tamperings.push(Tampering::EventChanged { seq: 0 });
        }
        Err(ChainError::Store(error)) => return Err(error.into()),
    }
    Ok(report)
}

fn export_report(file: &Path, trust: &AuditTrust) -> Result<AuditReport, CliError> {
    let bytes = read(file, EXPORT_BYTES_MAX)?;
    let standing = |checkpoint: &Checkpoint| trust.standing(checkpoint);
    Ok(check_export(&bytes, &standing, trust.copies.clone()))
}

/// The whole of a file that may have so many bytes.
fn read(file: &Path, bytes_max: u64) -> Result<Vec<u8>, CliError> {
    let refused = |why: String| CliError::Usage(format!("read {}: {why}", file.display()));
    let size = fs::metadata(file)
        .map_err(|error| refused(error.to_string()))?
        .len();
    if size > bytes_max {
        return Err(refused(format!("it has more than {bytes_max} bytes")));
    }
    fs::read(file).map_err(|error| refused(error.to_string()))
}

fn keys(named: &[String]) -> Result<Vec<String>, CliError> {
    let is_key = |key: &&String| {
        key.len() == KEY_DIGITS && key.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    match named.iter().find(|key| !is_key(key)) {
        Some(wrong) => Err(CliError::Usage(format!(
            "take `{wrong}` as a public key: it is not {KEY_DIGITS} hexadecimal digits"
        ))),
        None => Ok(named.iter().map(|key| key.to_lowercase()).collect()),
    }
}

/// A checkpoint out of a file: alone, or in the last line of an export.
fn checkpoint(file: &Path) -> Result<(String, Checkpoint), CliError> {
    let bytes = read(file, EXPORT_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    let value: Option<serde_json::Value> = last.and_then(|line| serde_json::from_str(line).ok());
    let inner = value.map(|value| value.get("checkpoint").cloned().unwrap_or(value));
    let checkpoint = inner.and_then(|inner| serde_json::from_value(inner).ok());
    let place = file.display().to_string();
    let checkpoint =
        checkpoint.ok_or_else(|| CliError::Usage(format!("read a checkpoint out of {place}")))?;
    Ok((place, checkpoint))
}

/// Says what was found, one line each.
fn tell(ui: &Ui, report: &AuditReport, trust: &AuditTrust) {
    if ui.is_json() {
        for found in &report.tamperings {
            let place = found.place();
            let line = json!({
                "v": 1, "type": "tampering", "text": found.to_string(),
                "first": place.map(|place| place.0), "last": place.map(|place| place.1),
            });
            ui.out(&line.to_string());
        }
        let line = json!({
            "v": 1, "type": "audit", "intact": report.is_intact(), "entries": report.entries,
            "checkpoints": report.checkpoints, "root": report.root,
            "copies": trust.copies.len(), "more": report.more,
        });
        ui.out(&line.to_string());
        return;
    }
    for found in &report.tamperings {
        ui.out(&found.to_string());
    }
    if report.more > 0 {
        ui.out(&format!("and {} more", report.more));
    }
    if report.is_intact() {
        let root = report.root.map(|root| root.to_string()).unwrap_or_default();
        let (entries, checkpoints) = (report.entries, report.checkpoints);
        let intact = ui.ink(Tone::Good, "intact");
        ui.out(&format!(
            "{intact}: {entries} entries, {checkpoints} checkpoints, root {root}"
        ));
        let copies: Vec<u64> = trust.copies.iter().map(|(_, copy)| copy.size).collect();
        match copies.iter().max() {
            Some(size) => ui.status(&format!(
                "the copy of the checkpoint at entry {size} agrees"
            )),
            None if entries > 0 => ui.warn(
                "there is no copy of a checkpoint, so that a log cut off at its end looks the same",
            ),
            None => {}
        }
    }
}
