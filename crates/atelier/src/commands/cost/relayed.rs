//! What the gateway spent for other programs.

use atelier_model::{MicroUsd, Timestamp};
use atelier_store::{Ledger, RelaySpend, Store};
use serde_json::json;

use crate::{
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// Shows what relayed requests came to. `is_asked_for` says it too where there were none.
pub(super) async fn show(ui: &Ui, store: &Store, is_asked_for: bool) -> Result<(), CliError> {
    // What a gateway that was killed has not brought into the state is there all the same.
    Ledger::recover(store).await?;
    let parts = store.relay_spend_list(Timestamp::default()).await?;
    if ui.is_json() {
        for part in &parts {
            ui.out(&line_of_json(part));
        }
        return Ok(());
    }
    if parts.is_empty() {
        if is_asked_for {
            ui.out("no program was answered by the gateway yet");
        }
        return Ok(());
    }
    let cost: MicroUsd = parts.iter().map(|part| part.cost).sum();
    let saved: MicroUsd = parts.iter().map(|part| part.saved).sum();
    let told = match saved {
        MicroUsd::ZERO => String::new(),
        saved => format!(", {saved} saved by answers given before"),
    };
    let name = ui.ink(Tone::Strong, "gateway");
    ui.out(&format!("{name}  {cost}{told}"));
    for part in &parts {
        ui.out(&line(part));
    }
    Ok(())
}

fn line_of_json(part: &RelaySpend) -> String {
    let line = json!({
        "v": 1, "type": "relayed", "client": part.client, "provider": part.provider,
        "model": part.model, "requests": part.requests, "cached": part.cached,
        "failed": part.failed, "usage": part.usage, "cost_micro_usd": part.cost,
        "saved_micro_usd": part.saved,
    });
    line.to_string()
}

/// One client and model as people read it.
fn line(part: &RelaySpend) -> String {
    let told = |count: u64, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    let client = part.client.as_deref().unwrap_or("anyone");
    format!(
        "  {:<16} {:<24} {:>10}  {} requests{}{}; {} tokens in, {} out",
        plain(client),
        plain(&part.model),
        part.cost.to_string(),
        part.requests,
        told(part.cached, "answered before"),
        told(part.failed, "failed"),
        part.usage.input,
        part.usage.output,
    )
}
