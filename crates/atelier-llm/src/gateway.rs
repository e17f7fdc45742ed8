//! The gateway: routes by stage, and the one method that asks.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use atelier_model::{
    Ask, AskId, AskKey, AskRecord, Budget, Clock, Digest, IdSource, Limits, Message, MicroUsd,
    Reply, Role, Stage, Strategy, Timestamp, Usage,
};
use atelier_seal::SealKey;
use atelier_store::{RunBudgets, Store};
use tokio_util::sync::CancellationToken;

use crate::{
    AnswersFrom, AskError, Effort, GatewayConfig, GatewayError, LimitState, Price, PriceTable,
    Provider, ProviderEntry, RateTable, Route, Routing, SchemaSupport, SemanticConfig, Transport,
    Vectors,
    layers::{Layers, Passage, guard},
    price, provider_entry,
    routing::{ModelAbilities, abilities},
};

/// Bytes of prose and code that make one token, on average.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// Messages of a usual prompt: the standing instructions and the question.
const PROMPT_MESSAGES: usize = 2;

/// The one door to models. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
    /// Who answers one stage in place of its own route.
    instead: Option<Arc<(Stage, Channels)>>,
}

struct Inner {
    channels: PerStage<Channels>,
    embedder: Option<Channels>,
    stage_budgets: BTreeMap<Stage, Budget>,
    task_budget: Budget,
    layers: Arc<Layers>,
    guard_key: Option<SealKey>,
    semantic: SemanticConfig,
    rates: RateTable,
    limits: Limits,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// A route with everything that is prepared for it once.
pub(crate) struct Channel {
    /// The settings.
    pub(crate) route: Route,
    entry: &'static ProviderEntry,
    /// Who sends.
    pub(crate) provider: Arc<dyn Provider>,
    prices: Arc<PriceTable>,
    /// What its model is able to do.
    pub(crate) abilities: ModelAbilities,
}

/// Who may answer: a route of its own, and those that stand beside it.
pub(crate) struct Channels {
    first: Channel,
    others: Vec<Channel>,
    /// How one of them is chosen.
    pub(crate) strategy: Strategy,
    /// Their names, where any of them may answer.
    among: Vec<String>,
}

impl Channels {
    fn new(first: Channel, others: Vec<Channel>, strategy: Strategy) -> Self {
        let mut among: Vec<String> = Vec::new();
        // Who stands by for the first one is asked only in its place, so the question is the same.
        if strategy != Strategy::Static && !others.is_empty() {
            among.push(first.route.label());
            among.extend(others.iter().map(|channel| channel.route.label()));
            among.sort();
        }
        Self {
            first,
            others,
            strategy,
            among,
        }
    }

    fn alone(first: Channel) -> Self {
        Self::new(first, Vec::new(), Strategy::Static)
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Channel> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether there is but one.
    pub(crate) fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// The one at a place of the configuration; beyond them all, the first.
    pub(crate) fn at(&self, place: usize) -> &Channel {
        let other = place
            .checked_sub(1)
            .and_then(|place| self.others.get(place));
        other.unwrap_or(&self.first)
    }
}

/// One value for each stage, so that looking one up cannot fail.
struct PerStage<T> {
    design: T,
    plan: T,
    detail: T,
    handoff: T,
    change: T,
    summary: T,
    code: T,
    docs: T,
}

impl<T> PerStage<T> {
    fn try_from_fn<E>(mut make: impl FnMut(Stage) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            design: make(Stage::Design)?,
            plan: make(Stage::Plan)?,
            detail: make(Stage::Detail)?,
            handoff: make(Stage::Handoff)?,
            change: make(Stage::Change)?,
            summary: make(Stage::Summary)?,
            code: make(Stage::Code)?,
            docs: make(Stage::Docs)?,
        })
    }

    fn get(&self, stage: Stage) -> &T {
        match stage {
            Stage::Design => &self.design,
            Stage::Plan => &self.plan,
            Stage::Detail => &self.detail,
            Stage::Handoff => &self.handoff,
            Stage::Change => &self.change,
            Stage::Summary => &self.summary,
            Stage::Code => &self.code,
            Stage::Docs => &self.docs,
        }
    }
}

/// What one ask of a stage uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the prompt, expected.
    pub input_tokens: u64,
    /// Tokens of the answer, expected.
    pub output_tokens: u64,
    /// Money, expected; `None` where the price is not known.
    pub expected: Option<MicroUsd>,
    /// The money that is reserved for it; `None` where the price is not known.
    pub most: Option<MicroUsd>,
}

impl Gateway {
    /// Prepares the routes of every stage. Opens no connection and needs no key yet: what the store
    /// can answer needs neither.
    pub fn new(
        config: GatewayConfig,
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, GatewayError> {
        Self::with_layers(Arc::new(Layers::new()), config, store, (clock, ids))
    }

    /// A gateway whose asks pass these layers.
    pub(crate) fn with_layers(
        layers: Arc<Layers>,
        config: GatewayConfig,
        store: Store,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
    ) -> Result<Self, GatewayError> {
        config.guard()?;
        let GatewayConfig {
            mut routes,
            mut routing,
            embeddings,
            prices,
            guard_key,
            semantic,
            rates,
            limits,
            upstreams: _,
            stage_budgets,
            task_budget,
        } = config;
        let (transport, prices) = (Transport::new(limits.clone()), Arc::new(prices));
        let channels = PerStage::try_from_fn(|stage| {
            let route = routes
                .remove(&stage)
                .ok_or(GatewayError::RouteMissing { stage })?;
            let Routing { strategy, fallback } = routing.remove(&stage).unwrap_or_default();
            let first = channel(route, &prices, &transport)?;
            let others = fallback.into_iter();
            let others = others.map(|route| channel(route, &prices, &transport));
            let others = others.collect::<Result<_, _>>()?;
            Ok(Channels::new(first, others, strategy))
        })?;
        let embedder = embeddings.map(|route| embedder(route, &prices, &transport));
        Ok(Self {
            inner: Arc::new(Inner {
                channels,
                embedder: embedder.transpose()?,
                stage_budgets,
                task_budget,
                layers,
                guard_key,
                semantic,
                rates,
                limits,
                store,
                clock,
                ids,
            }),
            instead: None,
        })
    }

    /// The same gateway, where another model of the same provider answers a stage, and nobody stands
    /// by for it. What was answered before is found under the model that answered.
    pub fn with_model(&self, stage: Stage, model: &str) -> Result<Self, GatewayError> {
        let first = &self.channels(stage).first;
        let route = Route {
            model: model.to_owned(),
            ..first.route.clone()
        };
        let transport = Transport::new(self.inner.limits.clone());
        let channel = channel(route, &first.prices, &transport)?;
        Ok(Self {
            inner: Arc::clone(&self.inner),
            instead: Some(Arc::new((stage, Channels::alone(channel)))),
        })
    }

    fn channels(&self, stage: Stage) -> &Channels {
        match self.instead.as_deref() {
            Some((instead, channels)) if *instead == stage => channels,
            Some(_) | None => self.inner.channels.get(stage),
        }
    }

    /// Asks once: out of the store where it holds the reply, else the provider of the stage's
    /// route. `budget` is what the whole run may spend.
    pub async fn ask(
        &self,
        ask: &Ask,
        budget: Option<MicroUsd>,
        cancel: &CancellationToken,
    ) -> Result<Reply, AskError> {
        let channels = self.channels(ask.stage);
        let key_of = |ask: &Ask| key_of(ask, channels);
        let record = self.record(ask, &channels.first.route, key_of(ask));
        self.pass((ask, &key_of), record, channels, budget, cancel)
            .await
    }

    /// Asks for the vectors of a portion of texts.
    pub(crate) async fn embed_portion(
        &self,
        ask: &Ask,
        budget: Option<MicroUsd>,
        cancel: &CancellationToken,
    ) -> Result<Reply, AskError> {
        let channels = self.inner.embedder.as_ref();
        let channels = channels.ok_or(AskError::NoEmbeddings)?;
        let route = &channels.first.route;
        let key_of = |ask: &Ask| {
            let texts = ask.messages.iter().map(|message| &*message.text);
            Self::embed_key(&route.model, &texts.collect::<Vec<_>>())
        };
        let record = self.record(ask, route, key_of(ask));
        self.pass((ask, &key_of), record, channels, budget, cancel)
            .await
    }

    /// Sends an ask through the layers to the provider of one of its channels.
    async fn pass(
        &self,
        (ask, key_of): (&Ask, &(dyn Fn(&Ask) -> Digest + Send + Sync)),
        record: AskRecord,
        channels: &Channels,
        budget: Option<MicroUsd>,
        cancel: &CancellationToken,
    ) -> Result<Reply, AskError> {
        let inner = &*self.inner;
        let channel = &channels.first;
        let mut passage = Passage {
            key: None,
            has_spare_key: false,
            given_up: Vec::new(),
            ask: Cow::Borrowed(ask),
            key_of,
            guard_key: inner.guard_key.as_ref(),
            budgets: RunBudgets {
                run: Budget::of_usd(budget),
                stage: inner
                    .stage_budgets
                    .get(&ask.stage)
                    .copied()
                    .unwrap_or_default(),
                task: inner.task_budget,
            },
            record,
            cancel,
            route: &channel.route,
            provider: &*channel.provider,
            price: channel.price(inner.clock.now()),
            channels,
            has_standby: false,
            standby: None,
            semantic: &inner.semantic,
            embedder: self.embeds_questions().then_some(self),
            rates: &inner.rates,
            permit: None,
            number: None,
            store: &inner.store,
            clock: &*inner.clock,
            clock_shared: &inner.clock,
            ids: &*inner.ids,
            limits: &inner.limits,
            sendings: 0,
            turned_away: 0,
            partial: None,
        };
        let answered = inner.layers.run(&mut passage).await;
        answered.map_err(|failure| failure.error)
    }

    /// Whether questions are found by the vectors of a model.
    fn embeds_questions(&self) -> bool {
        self.inner.embedder.is_some() && self.inner.semantic.vectors == Vectors::Model
    }

    /// The model that makes vectors.
    pub(crate) fn embedding_model(&self) -> Option<&str> {
        let channels = self.inner.embedder.as_ref()?;
        Some(&channels.first.route.model)
    }

    /// The key under which the reply to an ask is kept.
    pub fn key(&self, ask: &Ask) -> Digest {
        let channels = self.channels(ask.stage);
        let hidden = guard::hidden(ask, channels, self.inner.guard_key.as_ref());
        key_of(hidden.as_ref().map_or(ask, |hidden| &hidden.ask), channels)
    }

    /// What is known of the limits of providers.
    pub fn limits(&self) -> Vec<LimitState> {
        self.inner.layers.limits(self.inner.clock.now())
    }

    /// What the asks of a stage may use up in one run.
    pub fn stage_budget(&self, stage: Stage) -> Budget {
        let budgets = &self.inner.stage_budgets;
        budgets.get(&stage).copied().unwrap_or_default()
    }

    /// What the asks of a task may use up that has no budget of its own.
    pub fn task_budget(&self) -> Budget {
        self.inner.task_budget
    }

    /// Who answers a stage.
    pub fn route(&self, stage: Stage) -> &Route {
        &self.channels(stage).first.route
    }

    /// What one ask of a stage uses up for a prompt of so many bytes.
    pub fn estimate(&self, stage: Stage, prompt_bytes: usize) -> Estimate {
        let channel = &self.channels(stage).first;
        let tokens_max = channel.route.tokens_max;
        let bytes = u64::try_from(prompt_bytes).unwrap_or(u64::MAX);
        let input_tokens = bytes.div_ceil(BYTES_PER_TOKEN);
        let output_tokens = expected_output_tokens(stage).min(tokens_max);
        let usage = Usage {
            input: input_tokens,
            output: output_tokens,
            ..Usage::default()
        };
        let input_max = price::input_tokens_max(prompt_bytes, PROMPT_MESSAGES);
        let price = channel.price(self.inner.clock.now());
        Estimate {
            input_tokens,
            output_tokens,
            expected: price.map(|price| price.cost(&usage)),
            most: price.map(|price| price.most(input_max, tokens_max)),
        }
    }

    fn record(&self, ask: &Ask, route: &Route, key: Digest) -> AskRecord {
        let at = self.inner.clock.now();
        AskRecord {
            id: AskId::new(at, &*self.inner.ids),
            run: ask.run.clone(),
            task: ask.task.clone(),
            stage: ask.stage,
            attempt: ask.attempt,
            key,
            provider: route.name().to_owned(),
            model: route.model.clone(),
            choice: None,
            template: ask.template.clone(),
            template_version: ask.template_version,
            prompt: Digest::of(prompt_bytes(ask)),
            reply: None,
            source: None,
            usage: Usage::default(),
            reserved: MicroUsd::ZERO,
            reserved_tokens: 0,
            cost: MicroUsd::ZERO,
            latency_ms: 0,
            error: None,
            at,
        }
    }
}

/// The key under which the reply to an ask is kept that hides nothing any more.
fn key_of(ask: &Ask, channels: &Channels) -> Digest {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is of one lifetime, and any is asked for"
    )]
    key_of_channels(ask, channels, |key| key.digest())
}

/// Makes something of that key.
pub(crate) fn key_of_channels<T>(
    ask: &Ask,
    channels: &Channels,
    of: impl Fn(&AskKey<'_>) -> T,
) -> T {
    let Channel { route, entry, .. } = &channels.first;
    let facts;
    let messages = match entry.answers_from {
        AnswersFrom::Messages => ask.messages.as_slice(),
        AnswersFrom::Facts => {
            facts = [Message {
                role: Role::User,
                text: ask.facts.to_string(),
            }];
            &facts
        }
    };
    let is_held = route.structured && entry.abilities.schema != SchemaSupport::Never;
    let schema = ask.schema.as_ref().filter(|_| is_held);
    of(&AskKey {
        version: AskKey::VERSION,
        model: &route.model,
        messages,
        temperature: route.temperature,
        effort: route.effort.map(Effort::name),
        tokens_max: route.tokens_max,
        schema: schema.map(|(_, schema)| schema),
        template_version: ask.template_version,
        attempt: ask.attempt,
        among: (!channels.among.is_empty()).then_some((channels.strategy, &channels.among)),
    })
}

/// The conversation as it is kept: a JSON list of its messages.
pub(crate) fn prompt_bytes(ask: &Ask) -> Vec<u8> {
    // Roles and texts are all it holds, and both can be written.
    serde_json::to_vec(&ask.messages).unwrap_or_default()
}

fn channel(
    route: Route,
    prices: &Arc<PriceTable>,
    transport: &Transport,
) -> Result<Channel, GatewayError> {
    let entry = known_entry(&route)?;
    let provider = (entry.build)(entry, &route, transport)?;
    Ok(Channel::new(route, entry, provider, prices))
}

/// Prepares who makes vectors: nothing is said there, and nothing streamed.
fn embedder(
    route: Route,
    prices: &Arc<PriceTable>,
    transport: &Transport,
) -> Result<Channels, GatewayError> {
    let route = Route {
        temperature: None,
        effort: None,
        tokens_max: 0,
        stream: false,
        structured: false,
        hedge_ms: None,
        ..route
    };
    let entry = known_entry(&route)?;
    let build = entry.build_embedder;
    let build = build.ok_or_else(|| GatewayError::Embeddings {
        provider: route.provider.clone(),
    })?;
    let provider = build(entry, &route, transport)?;
    let channel = Channel::new(route, entry, provider, prices);
    Ok(Channels::alone(channel))
}

impl Channel {
    fn new(
        route: Route,
        entry: &'static ProviderEntry,
        provider: Arc<dyn Provider>,
        prices: &Arc<PriceTable>,
    ) -> Self {
        Self {
            prices: Arc::clone(prices),
            abilities: abilities(&route),
            route,
            entry,
            provider,
        }
    }

    /// What its model costs at a time, where that is known.
    pub(crate) fn price(&self, at: Timestamp) -> Option<Price> {
        self.prices.of_route(&self.route, &self.route.model, at)
    }
}

/// The registry's line for a route.
pub(crate) fn known_entry(route: &Route) -> Result<&'static ProviderEntry, GatewayError> {
    provider_entry(&route.provider).ok_or_else(|| GatewayError::ProviderUnknown {
        provider: route.provider.clone(),
    })
}

/// Tokens of a usual answer of a stage.
pub(crate) fn expected_output_tokens(stage: Stage) -> u64 {
    match stage {
        Stage::Design => 1_800,
        Stage::Plan => 1_200,
        Stage::Detail | Stage::Change => 2_500,
        Stage::Handoff => 1_000,
        Stage::Summary => 500,
        Stage::Code => 4_000,
        Stage::Docs => 1_500,
    }
}
