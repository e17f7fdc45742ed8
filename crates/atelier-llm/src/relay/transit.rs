//! One relayed request on its way through the layers, and the end of its answer.
//!
//! A transit belongs to nobody but its request: when the layers have opened an answer, it goes on
//! living beside the bytes that flow to the client, and runs what the layers left for the end.

mod twin;

use std::sync::Arc;

use atelier_keys::PickedKey;
use atelier_model::{
    AskSource, Clock, Digest, IdSource, Limits, MicroUsd, RelayId, RelayRecord, Timestamp, Usage,
};
use atelier_store::{Budgets, Ledger, Reservation, ReserveError, Store};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    PartialAnswer, PartialPart, Price,
    layers::Permit,
    providers::relayed::Relayed,
    relay::{
        Demand, Incoming, Refusal, Routes,
        prepare::{self, Facts, Prepared},
        source::Source,
        upstream,
    },
};

/// What every relayed request needs, whatever the configuration says.
pub(crate) struct Hands {
    /// The money.
    pub(crate) ledger: Ledger,
    /// Now.
    pub(crate) clock: Arc<dyn Clock>,
    /// Chance.
    pub(crate) ids: Arc<dyn IdSource>,
}

impl Hands {
    /// Keeps the end of a request. Where it cannot be written down, the reservation stays taken:
    /// the client has its answer, and no budget is passed.
    fn settle(&self, record: &RelayRecord, reservation: Option<Reservation>) {
        let _ = self.ledger.settle(record, reservation);
    }
}

/// An answer that has begun.
pub(crate) struct Opened {
    /// The provider's headers that are passed on.
    pub(crate) headers: Vec<(String, String)>,
    /// Its bytes.
    pub(crate) source: Source,
}

/// A complete answer as its provider wrote it, for whoever asks the same again.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// Who wrote them, which decides their dialect.
    pub(crate) provider: String,
    /// The model that did.
    pub(crate) model: String,
    /// Its tokens, where they are known.
    pub(crate) usage: Option<Usage>,
}

/// How a request ended.
#[derive(Debug, Clone)]
pub(crate) enum How {
    /// With a complete answer.
    Complete,
    /// With an answer that broke off.
    Cut(Refusal),
    /// Without an answer.
    Refused(Refusal),
    /// The client went away.
    Abandoned,
}

/// The end of a request, as the layers are told of it.
pub(crate) struct Ending {
    /// How it ended.
    pub(crate) how: How,
    /// What is kept of it: tokens, status, error and times are final, money once the budget has
    /// been told.
    pub(crate) record: RelayRecord,
    /// All of a complete answer, unless it is too large to keep or nobody may keep it.
    pub(crate) kept: Option<Kept>,
    /// What is kept of the upstreams that were asked before and given up.
    pub(crate) given_up: Vec<RelayRecord>,
    /// When it ended.
    pub(crate) at: Timestamp,
    /// What is let go only when every layer has been told.
    held: Vec<Box<dyn Send>>,
}

impl Ending {
    /// Lets something go only when every layer has been told.
    pub(crate) fn hold(&mut self, thing: impl Send + 'static) {
        self.held.push(Box::new(thing));
    }
}

/// What a layer does at the end.
type Tail = Box<dyn FnOnce(&mut Ending) + Send>;

/// Changes the bytes that a client receives, in its own dialect.
pub(crate) trait Filter: Send {
    /// Takes more bytes and gives those that are ready.
    fn push(&mut self, bytes: Bytes) -> Bytes;

    /// Gives what is left, after the last byte.
    fn finish(&mut self) -> Bytes;
}

/// One relayed request on its way.
pub(crate) struct Transit {
    /// The request as the client sent it, or as a layer has rewritten it.
    pub(crate) incoming: Incoming,
    /// The request as it is sent.
    pub(crate) prepared: Prepared,
    /// The name under which its answer is kept; the same whoever answers.
    pub(crate) key: Digest,
    /// What its model costs, where that is known.
    pub(crate) price: Option<Price>,
    /// What will be kept of it.
    pub(crate) record: RelayRecord,
    /// How often it was sent.
    pub(crate) sendings: u32,
    /// How often it came when its model was to be left alone.
    pub(crate) turned_away: u32,
    /// Whether somebody else is asked where this upstream does not answer.
    pub(crate) has_standby: bool,
    /// Whoever that is.
    pub(crate) standby: Option<Arc<Relayed>>,
    /// The key that is sent, where it is a stored one.
    pub(crate) key_sent: Option<PickedKey>,
    /// Whether another key may serve where this one does not.
    pub(crate) has_spare_key: bool,
    /// The right to send, while there is one.
    pub(crate) permit: Option<Arc<Permit>>,
    /// Its place among all that wanted to send.
    pub(crate) number: Option<u64>,
    /// The money reserved for it; it is settled at the end.
    pub(crate) reservation: Option<Reservation>,
    /// Who can answer.
    pub(crate) routes: Arc<Routes>,
    /// Ledger, clock and chance.
    pub(crate) hands: Arc<Hands>,
    value: Value,
    tails: Vec<Tail>,
    filters: Vec<Box<dyn Filter>>,
    given_up: Vec<RelayRecord>,
    is_over: bool,
}

impl Transit {
    /// Reads a request, and prepares it for whoever its model's name stands for.
    pub(crate) fn new(
        incoming: Incoming,
        routes: Arc<Routes>,
        hands: Arc<Hands>,
    ) -> Result<Self, Refusal> {
        let at = hands.clock.now();
        let (value, asked) = prepare::read(&incoming)?;
        let facts = facts(&incoming, &hands, at);
        allow(&incoming, facts, &asked)?;
        let prepared = routes.prepared(&incoming, (&value, &asked), None, facts)?;
        let record = record(&incoming, &prepared, RelayId::new(at, &*hands.ids), at);
        Ok(Self {
            key: routes.key(&prepared),
            price: routes.price(&prepared, at),
            incoming,
            prepared,
            record,
            sendings: 0,
            turned_away: 0,
            has_standby: false,
            standby: None,
            key_sent: None,
            has_spare_key: false,
            permit: None,
            number: None,
            reservation: None,
            routes,
            hands,
            value,
            tails: Vec::new(),
            filters: Vec::new(),
            given_up: Vec::new(),
            is_over: false,
        })
    }

    /// The body of the client's request.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Puts another body in the place of the client's, for everything that comes after.
    pub(crate) fn rewrite(&mut self, value: Value, body: Bytes) -> Result<(), Refusal> {
        self.value = value;
        self.incoming.body = body;
        let to = Arc::clone(&self.prepared.relayed);
        let model = self.prepared.model.clone();
        self.turn_to(&to, &model)?;
        self.key = self.routes.key(&self.prepared);
        Ok(())
    }

    /// Prepares the request for another upstream. What was sent before stays on record.
    pub(crate) fn turn_to(&mut self, to: &Arc<Relayed>, model: &str) -> Result<(), Refusal> {
        let asked = self.prepared.about.model.clone();
        let facts = facts(&self.incoming, &self.hands, self.record.at);
        let to = Some((Arc::clone(to), model.to_owned()));
        let asked = (&self.value, asked.as_str());
        self.prepared = self.routes.prepared(&self.incoming, asked, to, facts)?;
        self.price = self.routes.price(&self.prepared, self.hands.clock.now());
        let relayed = &self.prepared.relayed;
        relayed.route.name().clone_into(&mut self.record.provider);
        self.record.model.clone_from(&self.prepared.model);
        Ok(())
    }

    /// Closes the record of an upstream that failed, before another is turned to.
    pub(crate) fn give_up(&mut self, refusal: &Refusal) {
        let at = self.hands.clock.now();
        let fresh = RelayId::new(at, &*self.hands.ids);
        let mut record = self.record.clone();
        record.sendings = std::mem::take(&mut self.sendings);
        record.latency_ms = at.millis_since(record.at);
        record.status = refusal.status;
        record.error = Some(refusal.said.clone());
        record.cost = record.cost + self.debit(refusal);
        record.reserved = MicroUsd::ZERO;
        self.hands.settle(&record, self.reservation.take());
        self.given_up.push(record.clone());
        self.turned_away = 0;
        self.record = RelayRecord {
            id: fresh,
            cost: MicroUsd::ZERO,
            reserved: MicroUsd::ZERO,
            first_byte_ms: None,
            ..record
        };
        self.record.status = OK;
        self.record.error = None;
        self.record.decisions.clear();
    }

    /// How often it was sent, to whomever.
    pub(crate) fn sendings_to_all(&self) -> u32 {
        let before: u32 = self.given_up.iter().map(|record| record.sendings).sum();
        before.saturating_add(self.sendings)
    }

    /// Whether a budget is kept, for everyone or for this client.
    pub(crate) fn is_bounded(&self) -> bool {
        facts(&self.incoming, &self.hands, self.record.at).is_bounded
    }

    /// What its client may spend.
    pub(crate) fn client_budgets(&self) -> Budgets {
        client_budgets(&self.incoming)
    }

    /// Reserves what the record says, beside what is reserved already.
    pub(crate) fn reserve(&mut self) -> Result<(), Refusal> {
        let reserved = self
            .hands
            .ledger
            .reserve(&self.record, self.client_budgets());
        let more = reserved.map_err(|error| {
            let (status, why) = match &error {
                ReserveError::OverBudget(_) => (PAYMENT_REQUIRED, String::new()),
                ReserveError::Journal(why) => (UNAVAILABLE, format!(": {why}")),
            };
            Refusal::new(status, format!("failed to {error}{why}"))
        })?;
        self.reservation = Some(match self.reservation.take() {
            Some(reservation) => reservation.join(more),
            None => more,
        });
        Ok(())
    }

    /// Debits a broken sending and reserves the next one.
    pub(crate) fn reserve_again(&mut self, refusal: &Refusal) -> Result<(), Refusal> {
        let debit = self.debit(refusal);
        if debit > MicroUsd::ZERO {
            self.record.cost = self.record.cost + debit;
            self.reserve()?;
        }
        Ok(())
    }

    /// Leaves something to be done at the end, whatever end it is. What was left last is done
    /// first, so that outer layers see what inner ones have decided.
    pub(crate) fn at_end(&mut self, tail: impl FnOnce(&mut Ending) + Send + 'static) {
        self.tails.push(Box::new(tail));
    }

    /// Has the bytes to the client pass a filter; those of inner layers come first.
    pub(crate) fn filter(&mut self, filter: impl Filter + 'static) {
        self.filters.push(Box::new(filter));
    }

    /// The answer is one that was given before.
    pub(crate) fn hit(&mut self, kept: &Kept, source: AskSource) -> Opened {
        self.record.source = Some(source);
        self.record.provider.clone_from(&kept.provider);
        self.record.model.clone_from(&kept.model);
        self.record.usage = kept.usage.unwrap_or_default();
        let at = self.hands.clock.now();
        let price = self.routes.prices.price(&kept.provider, &kept.model, at);
        self.record.saved = match (price, kept.usage) {
            (Some(price), Some(usage)) => price.cost(&usage),
            (None, _) | (_, None) => MicroUsd::ZERO,
        };
        let dialect = self.routes.dialect_of(&kept.provider);
        Opened {
            headers: Vec::new(),
            source: Source::kept(
                kept.bytes.clone(),
                kept.usage,
                dialect.unwrap_or(self.prepared.relayed.dialect),
            ),
        }
    }

    /// Whether an answer may be one that was given before, and given again.
    pub(crate) fn may_share(&self) -> bool {
        self.incoming.cache
    }

    /// Whether the answer was given before.
    pub(crate) fn is_hit(&self) -> bool {
        self.record
            .source
            .is_some_and(|source| source != AskSource::Provider)
    }

    /// How far anything may go.
    pub(crate) fn limits(&self) -> &Limits {
        &self.routes.limits
    }

    /// The state.
    pub(crate) fn store(&self) -> &Store {
        self.hands.ledger.store()
    }

    /// Sends it once, and waits until there is something to pass on: all of a whole answer, the
    /// beginning of a streamed one.
    pub(crate) async fn send(&mut self) -> Result<Opened, Refusal> {
        self.sendings += 1;
        let start = self.hands.clock.now();
        let key = self.key_sent.as_ref().map(|key| &*key.secret);
        let permit = self.permit.as_deref();
        let opened = upstream::open(&self.prepared, key, self.limits(), start, permit).await?;
        let now = self.hands.clock.now();
        self.record.source = Some(AskSource::Provider);
        self.record.first_byte_ms = Some(now.millis_since(self.record.at));
        Ok(opened)
    }

    /// What a failed sending counts for.
    pub(crate) fn debit(&self, refusal: &Refusal) -> MicroUsd {
        if refusal.may_be_billed {
            self.record.reserved
        } else {
            MicroUsd::ZERO
        }
    }

    /// The bytes as the client receives them; `is_last` where no more come.
    pub(crate) fn filtered(&mut self, mut bytes: Bytes, is_last: bool) -> Bytes {
        for filter in self.filters.iter_mut().rev() {
            bytes = filter.push(bytes);
            if is_last {
                let rest = filter.finish();
                if !rest.is_empty() {
                    bytes = Bytes::from([bytes, rest].concat());
                }
            }
        }
        bytes
    }

    /// It has ended: every layer is told, and the money settled. Only the first end counts.
    pub(crate) fn end(&mut self, how: How, answered: Answered) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let at = self.hands.clock.now();
        let mut record = self.record.clone();
        record.sendings = self.sendings;
        record.latency_ms = at.millis_since(record.at);
        record.usage = answered.usage.unwrap_or(record.usage);
        (record.status, record.error) = match &how {
            How::Complete => (record.status, None),
            How::Cut(refusal) => (record.status, Some(refusal.said.clone())),
            How::Refused(refusal) => (refusal.status, Some(refusal.said.clone())),
            How::Abandoned => (CLIENT_GONE, Some("the client went away".to_owned())),
        };
        let spent = self.spent(&how, answered.usage);
        record.cost = record.cost + spent;
        let kept = answered
            .bytes
            .filter(|_| matches!(how, How::Complete))
            .map(|bytes| Kept {
                bytes,
                provider: record.provider.clone(),
                model: record.model.clone(),
                usage: answered.usage,
            });
        let mut ending = Ending {
            how,
            record,
            kept,
            given_up: self.given_up.clone(),
            at,
            held: Vec::new(),
        };
        while let Some(tail) = self.tails.pop() {
            tail(&mut ending);
        }
        let mut record = ending.record;
        record.reserved = MicroUsd::ZERO;
        record.partial = self.partial(answered.partial, at);
        self.hands.settle(&record, self.reservation.take());
    }

    /// Has what had come of a broken answer kept. One that was given before is kept already.
    fn partial(&self, parts: Vec<PartialPart>, at: Timestamp) -> Option<Digest> {
        if self.is_hit() {
            return None;
        }
        let model = (self.record.provider.as_str(), self.record.model.as_str());
        let partial = PartialAnswer::new(self.record.id.as_str(), model, parts)?;
        self.hands.ledger.partial_keep(partial.to_bytes(), at)
    }

    /// What the last sending must be taken to have cost.
    fn spent(&self, how: &How, usage: Option<Usage>) -> MicroUsd {
        if self.is_hit() || self.sendings == 0 {
            return MicroUsd::ZERO;
        }
        match (how, usage, &self.price) {
            (How::Complete, Some(usage), Some(price)) => price.cost(&usage),
            (How::Refused(refusal), _, _) => self.debit(refusal),
            // Nobody knows what was used, so what could have been used counts.
            (How::Complete | How::Cut(_) | How::Abandoned, _, _) => self.record.reserved,
        }
    }
}

/// The status of a request that no budget covers.
pub(crate) const PAYMENT_REQUIRED: u16 = 402;

/// The status of a request that is not understood.
const BAD_REQUEST: u16 = 400;

/// The status of a request that its key does not cover.
const FORBIDDEN: u16 = 403;

/// The status of a request that the state cannot take down.
const UNAVAILABLE: u16 = 503;

/// The status of an answer.
const OK: u16 = 200;

/// The status of a request whose client went away, as proxies have it in their logs.
const CLIENT_GONE: u16 = 499;

/// What is known of an answer at its end.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Its tokens.
    pub(crate) usage: Option<Usage>,
    /// All its bytes, where they were gathered.
    pub(crate) bytes: Option<Bytes>,
    /// What has come of it, where it broke off.
    pub(crate) partial: Vec<PartialPart>,
}

impl Drop for Transit {
    fn drop(&mut self) {
        self.end(How::Abandoned, Answered::default());
    }
}

fn facts(incoming: &Incoming, hands: &Hands, at: Timestamp) -> Facts {
    let bounded = !hands.ledger.budgets().are_none() || !client_budgets(incoming).are_none();
    Facts {
        created_s: at.millis() / 1_000,
        is_bounded: bounded,
    }
}

/// What the client of a request may spend.
fn client_budgets(incoming: &Incoming) -> Budgets {
    let terms = incoming.client.as_ref().map(|client| &client.terms);
    Budgets {
        total: terms.and_then(|terms| terms.budget_total),
        day: terms.and_then(|terms| terms.budget_day),
    }
}

/// Whether a body says something twice that decides who is asked or how much may be spent: a
/// provider might take the one that nobody looked at.
fn says_twice(body: &[u8]) -> bool {
    use serde::de::IgnoredAny;

    #[derive(serde::Deserialize)]
    struct Deciding {
        #[serde(default, rename = "model")]
        _model: IgnoredAny,
        #[serde(default, rename = "stream")]
        _stream: IgnoredAny,
        #[serde(default, rename = "n")]
        _answers: IgnoredAny,
        #[serde(default, rename = "max_tokens")]
        _limit: IgnoredAny,
        #[serde(default, rename = "max_completion_tokens")]
        _limit_of_chat: IgnoredAny,
        #[serde(default, rename = "max_output_tokens")]
        _limit_of_responses: IgnoredAny,
        #[serde(default, rename = "generationConfig")]
        _generation: Option<Generation>,
    }

    #[derive(serde::Deserialize)]
    struct Generation {
        #[serde(default, rename = "maxOutputTokens")]
        _limit: IgnoredAny,
        #[serde(default, rename = "candidateCount")]
        _answers: IgnoredAny,
    }

    serde_json::from_slice::<Deciding>(body).is_err()
}

/// Whether a client may ask for a model by the name that it used.
fn allow(incoming: &Incoming, facts: Facts, model: &str) -> Result<(), Refusal> {
    let model = model.trim_start_matches("models/");
    let is_bound = facts.is_bounded || incoming.client.is_some();
    if is_bound && says_twice(&incoming.body) {
        let said = "the request says its model, its limits or its number of answers twice";
        return Err(Refusal::new(BAD_REQUEST, said));
    }
    match &incoming.client {
        Some(client) if !client.terms.allow_model(model) => {
            let models = client.terms.models.join(", ");
            let said = format!(
                "the key of {} is not for the model `{model}`; it is for {models}",
                client.name
            );
            Err(Refusal::new(FORBIDDEN, said))
        }
        Some(_) | None => Ok(()),
    }
}

fn record(incoming: &Incoming, prepared: &Prepared, id: RelayId, at: Timestamp) -> RelayRecord {
    let demand = match incoming.demand {
        Demand::Answer => "answer",
        Demand::Count => "count",
        Demand::Embeddings => "embeddings",
    };
    RelayRecord {
        id,
        client: incoming.client.as_ref().map(|client| client.title()),
        dialect: incoming.dialect.name().to_owned(),
        demand: demand.to_owned(),
        provider: prepared.relayed.route.name().to_owned(),
        model: prepared.model.clone(),
        key: prepared.key,
        source: None,
        usage: Usage::default(),
        reserved: MicroUsd::ZERO,
        cost: MicroUsd::ZERO,
        saved: MicroUsd::ZERO,
        first_byte_ms: None,
        latency_ms: 0,
        sendings: 0,
        status: OK,
        error: None,
        partial: None,
        decisions: Vec::new(),
        at,
    }
}
