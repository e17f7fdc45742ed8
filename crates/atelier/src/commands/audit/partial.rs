//! `atelier audit show --partial`: what had come of an answer that broke off.

use atelier_llm::{PartialAnswer, PartialPart};
use atelier_model::Digest;
use atelier_store::{Store, StoreError};
use serde_json::json;

use crate::{
    cli_error::CliError,
    ui::{Ui, plain},
};

/// Digits that a digest is named by at least.
const DIGITS_MIN: usize = 4;

pub(super) async fn print(store: &Store, begin: &str, ui: &Ui) -> Result<(), CliError> {
    let digest = named(store, begin).await?;
    let bytes = store.blob_fetch(&digest).await?;
    let partial = bytes.as_deref().and_then(PartialAnswer::read);
    let partial = partial.ok_or_else(|| StoreError::Corrupt {
        what: format!("the half of an answer {}", digest.short()),
    })?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "partial", "digest": digest, "of": partial.of,
            "provider": partial.provider, "model": partial.model, "parts": partial.parts,
            "cut": partial.is_cut,
        });
        ui.out(&line.to_string());
        return Ok(());
    }
    for part in &partial.parts {
        show(part, ui);
    }
    let rest = if partial.is_cut {
        "; more had come than is kept"
    } else {
        ""
    };
    ui.status(&format!(
        "this is all that came of {} from {} of {}: half an answer, which nobody was given again{rest}",
        plain(&partial.of),
        plain(&partial.model),
        plain(&partial.provider),
    ));
    Ok(())
}

/// The one half of an answer whose digest begins so.
async fn named(store: &Store, begin: &str) -> Result<Digest, CliError> {
    let is_digits = begin.bytes().all(|digit| digit.is_ascii_hexdigit());
    if begin.len() < DIGITS_MIN || !is_digits {
        return Err(CliError::Usage(format!(
            "take `{}` as the beginning of a digest: it is not {DIGITS_MIN} or more hexadecimal \
             digits",
            plain(begin)
        )));
    }
    let found = store.partial_list(begin).await?;
    match found.as_slice() {
        [digest] => Ok(*digest),
        several => Err(CliError::NotFound {
            what: "the half of an answer",
            name: begin.to_owned(),
            known: several.iter().map(Digest::to_string).collect(),
        }),
    }
}

/// One part as people read it.
fn show(part: &PartialPart, ui: &Ui) {
    match part {
        PartialPart::Text { text } => lines("", text, ui),
        PartialPart::Thought { text } => lines("| ", text, ui),
        PartialPart::Call { name, arguments } => lines("> ", &format!("{name} {arguments}"), ui),
    }
}

fn lines(mark: &str, text: &str, ui: &Ui) {
    for line in text.lines() {
        ui.out(&format!("{mark}{}", plain(line)));
    }
}
