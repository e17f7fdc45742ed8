//! Counts every request once, when it has ended, whatever end that was.

use std::borrow::Cow;

use atelier_model::{
    AskRecord, AskSource, BoxFuture, MicroUsd, RelayRecord, Reply, TaskId, Timestamp,
};

use crate::{
    AskErrorKind,
    layers::{Failure, GivenUp, Layer, Next, Passage},
    meter::{Counts, Finished, Meter, Series},
    relay::{Ending, How, Opened, Refusal, Transit},
};

/// Stands outside of every other layer, so that it sees what the asker sees.
#[derive(Default)]
pub(crate) struct Observer {
    meter: Meter,
}

impl Layer for Observer {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let begun = passage.clock.now();
            let answered = next.run(passage).await;
            for route in &passage.given_up {
                self.count_given_up(route);
            }
            self.count(passage, &answered, begun);
            answered
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        let meter = self.meter.clone();
        transit.at_end(move |ending| {
            for record in &ending.given_up {
                count_relayed(&meter, record, &record.status.to_string());
            }
            count_relayed(&meter, &ending.record, &outcome(ending));
        });
        next.open(transit)
    }

    fn counts(&self) -> Vec<(Series, Counts)> {
        self.meter.rows_now()
    }
}

impl Observer {
    fn count(&self, passage: &Passage<'_>, answered: &Result<Reply, Failure>, begun: Timestamp) {
        let mut finished = Finished {
            latency_ms: passage.clock.now().millis_since(begun),
            ..asked(&passage.record, "ok", passage.sendings)
        };
        match answered {
            Ok(reply) => {
                finished.source = Some(reply.source);
                finished.usage = reply.usage;
                if let (true, Some(price)) = (reply.source.is_kept(), &passage.price) {
                    finished.saved = price.cost(&reply.usage);
                }
                finished.provider = &reply.provider;
                finished.model = &reply.model;
            }
            Err(failure) => finished.outcome = kind(failure.error.kind()),
        }
        self.meter.count(&finished);
        say(&finished, &whose(&passage.record));
    }

    /// Counts a route that did not answer.
    fn count_given_up(&self, route: &GivenUp) {
        let finished = asked(&route.record, kind(route.kind), route.sendings);
        self.meter.count(&finished);
        say(&finished, &whose(&route.record));
    }
}

/// The counts of what was asked, as it stands on the record.
fn asked<'a>(record: &'a AskRecord, outcome: &'a str, sendings: u32) -> Finished<'a> {
    Finished {
        asker: record.stage.name(),
        provider: &record.provider,
        model: &record.model,
        outcome,
        source: None,
        usage: record.usage,
        cost: record.cost,
        saved: MicroUsd::ZERO,
        first_byte_ms: None,
        latency_ms: record.latency_ms,
        sendings,
    }
}

fn whose(record: &AskRecord) -> Whose<'_> {
    Whose {
        id: record.id.as_str(),
        run: Some(record.run.as_str()),
        task: record.task.as_ref().map(TaskId::as_str),
        client: None,
    }
}

/// Counts what was relayed to one upstream.
fn count_relayed(meter: &Meter, record: &RelayRecord, outcome: &str) {
    let finished = Finished {
        asker: &record.dialect,
        provider: &record.provider,
        model: &record.model,
        outcome,
        source: record.source,
        usage: record.usage,
        cost: record.cost,
        saved: record.saved,
        first_byte_ms: record.first_byte_ms,
        latency_ms: record.latency_ms,
        sendings: record.sendings,
    };
    meter.count(&finished);
    let whose = Whose {
        id: record.id.as_str(),
        client: record.client.as_deref(),
        ..Whose::default()
    };
    say(&finished, &whose);
}

/// Whose call it was.
#[derive(Default)]
struct Whose<'a> {
    id: &'a str,
    run: Option<&'a str>,
    task: Option<&'a str>,
    client: Option<&'a str>,
}

/// Says to whoever listens that a call has ended. No text of it is said.
fn say(finished: &Finished<'_>, whose: &Whose<'_>) {
    tracing::info!(
        target: "atelier::call",
        id = whose.id,
        run = whose.run,
        task = whose.task,
        client = whose.client,
        asker = finished.asker,
        provider = finished.provider,
        model = finished.model,
        outcome = finished.outcome,
        source = finished.source.map(AskSource::name),
        input_tokens = finished.usage.input,
        output_tokens = finished.usage.output,
        cached_input_tokens = finished.usage.cached_input,
        cache_write_tokens = finished.usage.cache_write,
        cost_micro_usd = finished.cost.0,
        saved_micro_usd = finished.saved.0,
        first_byte_ms = finished.first_byte_ms,
        latency_ms = finished.latency_ms,
        sendings = finished.sendings,
        "a call ended"
    );
}

fn kind(kind: AskErrorKind) -> &'static str {
    match kind {
        AskErrorKind::Provider => "provider",
        AskErrorKind::Credentials => "credentials",
        AskErrorKind::Budget => "budget",
        AskErrorKind::Diverged => "diverged",
        AskErrorKind::Cancelled => "cancelled",
        AskErrorKind::Internal => "internal",
    }
}

fn outcome(ending: &Ending) -> Cow<'static, str> {
    match &ending.how {
        How::Complete => "ok".into(),
        How::Cut(_) => "cut".into(),
        How::Abandoned => "abandoned".into(),
        How::Refused(refusal) => refusal.status.to_string().into(),
    }
}
