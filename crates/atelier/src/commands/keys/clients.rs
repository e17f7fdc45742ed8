//! Keys of clients: issued once, listed without their values.

use atelier_engine::Exit;
use atelier_keys::{Client, ClientTerms, Role};
use atelier_llm::Dialect;
use atelier_model::{Clock as _, MicroUsd, Timestamp};
use serde_json::Value;

use super::{Changed, KeysClientsArgs, KeysIssueArgs};
use crate::{
    app::SystemClock,
    cli_error::CliError,
    keys::{KeyPlace, KeysError},
    ui::{Tone, Ui},
};

/// The longest time from now after which a key may end: a hundred years.
const HOURS_MAX: u32 = 24 * 36_525;

pub(super) fn issue(at: &KeyPlace, args: &KeysIssueArgs, ui: &Ui) -> Result<Changed, CliError> {
    let now = SystemClock.now();
    let terms = terms(args, now)?;
    let issued = at.store.client_issue(&args.name, terms, now);
    let issued = issued.map_err(KeysError::from)?;
    let (client, value) = (&issued.client, issued.value.expose());
    if ui.is_json() {
        let mut line = line("client_issued", client, now);
        line["key"] = value.into();
        ui.out(&line.to_string());
    } else {
        ui.out(value);
        ui.status(&format!(
            "issued to {} ({}); it is shown this once: {}",
            client.name,
            client.id,
            words(client, now)
        ));
    }
    Ok(Changed {
        name: client.id.clone(),
        change: "issued",
    })
}

pub(super) fn list(at: &KeyPlace, args: &KeysClientsArgs, ui: &Ui) -> Result<u8, CliError> {
    let now = SystemClock.now();
    let contents = at.store.read().map_err(KeysError::from)?;
    let clients = contents.clients.iter();
    let shown: Vec<&Client> = clients
        .filter(|client| args.all || client.revoked_at.is_none())
        .collect();
    for client in &shown {
        if ui.is_json() {
            ui.out(&line("client", client, now).to_string());
            continue;
        }
        let state = ui.ink(Tone::Strong, client.standing(now));
        let (id, name, end) = (&client.id, &client.name, &client.shown);
        let words = words(client, now);
        ui.out(&format!("{id}  {name}  {state}  {end}  {words}"));
    }
    if shown.is_empty() {
        ui.status("no client has a key; `atelier keys issue NAME` issues one");
    }
    Ok(Exit::Verified as u8)
}

/// A client as one line of JSON.
fn line(kind: &str, client: &Client, now: Timestamp) -> Value {
    let mut line = client.document(now);
    line["v"] = 1.into();
    line["type"] = kind.into();
    line
}

/// The terms of a key in words.
fn words(client: &Client, now: Timestamp) -> String {
    let terms = &client.terms;
    let mut words = vec![terms.role.name().to_owned()];
    if !terms.models.is_empty() {
        words.push(format!("models {}", terms.models.join(", ")));
    }
    if !terms.dialects.is_empty() {
        words.push(format!("dialects {}", terms.dialects.join(", ")));
    }
    words.extend(terms.budget_total.map(|most| format!("at most {most}")));
    words.extend(terms.budget_day.map(|most| format!("at most {most} a day")));
    let rpm = terms.requests_per_minute;
    words.extend(rpm.map(|most| format!("at most {most} requests a minute")));
    words.extend(terms.expires_at.map(|end| {
        let verb = if end <= now { "ended" } else { "ends" };
        format!("{verb} {end}")
    }));
    words.join(" · ")
}

fn terms(args: &KeysIssueArgs, now: Timestamp) -> Result<ClientTerms, CliError> {
    let role = Role::from_name(&args.role).ok_or_else(|| {
        let roles = Role::ALL.map(Role::name).join(", ");
        usage(format!(
            "issue a key to a `{}`; there are {roles}",
            args.role
        ))
    })?;
    let known = Dialect::ALL.map(Dialect::name);
    if let Some(name) = args
        .dialects
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        let known = known.join(", ");
        return Err(usage(format!(
            "allow the dialect `{name}`; there are {known}"
        )));
    }
    let mut terms = ClientTerms {
        models: args.models.clone(),
        dialects: args.dialects.clone(),
        requests_per_minute: args.rpm,
        ..ClientTerms::of(role)
    };
    for text in &args.budget {
        let (amount, of_day) = match text.strip_suffix("/day") {
            Some(amount) => (amount, true),
            None => (text.as_str(), false),
        };
        let amount = amount.trim().parse::<MicroUsd>().map_err(|_| {
            usage(format!(
                "keep to a budget of `{text}`: write dollars such as 20 or 2/day"
            ))
        })?;
        let place = if of_day {
            &mut terms.budget_day
        } else {
            &mut terms.budget_total
        };
        if place.replace(amount).is_some() {
            return Err(usage(format!(
                "keep to two budgets of one kind: `{}`",
                args.budget.join(",")
            )));
        }
    }
    terms.expires_at = args
        .expires
        .as_deref()
        .map(|text| end(text, now))
        .transpose()?;
    Ok(terms)
}

/// The instant that a text names.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let at = span(text, now)
        .or_else(|| text.parse().ok())
        .or_else(|| format!("{text}T00:00:00Z").parse().ok());
    let at = at.ok_or_else(|| {
        usage(format!(
            "let a key end at `{text}`: write a date such as 2027-01-31, an instant such as \
             2027-01-31T18:00:00Z, or a time from now such as 12h or 30d"
        ))
    })?;
    if at <= now {
        return Err(usage(format!("issue a key that ended already, at {at}")));
    }
    Ok(at)
}

/// The instant after a number of hours or days.
fn span(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (number, hours) = match text.strip_suffix('d') {
        Some(number) => (number, 24),
        None => (text.strip_suffix('h')?, 1),
    };
    let hours = number.parse::<u32>().ok()?.checked_mul(hours)?;
    let millis = i64::from(hours) * 60 * 60 * 1_000;
    (hours <= HOURS_MAX).then(|| Timestamp::from_millis(now.millis() + millis))
}

fn usage(text: String) -> CliError {
    CliError::Usage(text)
}

#[cfg(test)]
mod tests;
