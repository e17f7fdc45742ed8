//! What a client is told of a refusal beside what happened: who, what, when, how often, and what to
//! do about it.

use crate::relay::{PAYMENT_REQUIRED, Refusal, Transit};

/// The refusal of a request that was on its way, with everything its reader needs. The words of a
/// provider in its client's own dialect stay as they are; the headers say the rest.
pub(crate) fn reported(mut refusal: Refusal, transit: &Transit) -> Refusal {
    let record = &transit.record;
    let id = record.id.to_string();
    let model = format!("{}/{}", record.provider, record.model);
    let sendings = transit.sendings_to_all();
    let tries = sendings.to_string();
    if refusal.body.is_none() {
        let (remedy, at) = (remedy(&refusal), record.at);
        let how_often = match sendings {
            0 => "not sent".to_owned(),
            1 => "sent once".to_owned(),
            several => format!("sent {several} times"),
        };
        let asked = &transit.prepared.about.model;
        let said = refusal.said;
        refusal.said = format!(
            "{said} (request {id} for {asked}, {model} since {at}, {how_often}); remedy: {remedy}"
        );
    }
    let told = [
        ("request", id),
        ("provider", record.provider.clone()),
        ("tries", tries),
    ];
    let told = told
        .into_iter()
        .map(|(name, value)| (format!("x-atelier-{name}"), value));
    refusal.headers.extend(told);
    refusal
}

/// What a client, or whoever runs the gateway, can do.
pub(crate) fn remedy(refusal: &Refusal) -> &'static str {
    match refusal.status {
        PAYMENT_REQUIRED if !refusal.no_access => {
            "whoever runs this gateway can raise the budget, or set the price of the model"
        }
        401..=403 => "whoever runs this gateway has to set a key that may use the model",
        _ if refusal.no_access => {
            "whoever runs this gateway has to set a key that may use the model"
        }
        404 => "ask for a model that `/v1/models` lists, or mend its name in the configuration",
        408 | 504 => "try again, have the answer streamed, or ask for a faster model",
        413 => "send less, or ask for a model with a larger context",
        429 => "wait as long as `retry-after` says, or ask for another model",
        500..=599 => "try again later, or ask for another model",
        _ => "mend the request",
    }
}

#[cfg(test)]
mod tests;
