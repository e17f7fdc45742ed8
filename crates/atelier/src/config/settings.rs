//! Final values: no option is left open here.

use std::{collections::BTreeMap, path::PathBuf};

use atelier_engine::ConfiguredBudgets;
use atelier_guard::Policy;
use atelier_keys::KeyRing;
use atelier_llm::{
    Effort, GatewayConfig, PROVIDERS, Price, PriceTable, ProviderEntry, Rate, RateTable, Route,
    Routing, Secret, SemanticConfig, Tariffs, is_private, provider_entry, server_url,
};
use atelier_model::{Approval, Budget, Limits, MicroUsd, Resource, Stage, Strategy};
use atelier_prompt::context::Compression;
use atelier_seal::SealKey;

use crate::{
    keys::{Asking, KeysError},
    prices,
};

use super::{
    Config, ConfigError, Entry, Origin, Sources, keys, sandbox::CheckWords, semantic, width,
};

/// Tokens of one answer where nothing is set.
const TOKENS_MAX: u64 = 16_384;
/// Days for which requests of other programs are kept one by one where nothing is set.
const KEEP_DAYS: u64 = 400;
/// The provider where no model is configured.
pub(crate) const OFFLINE: &str = "offline";

/// The provider whose dialect most servers speak.
const USUAL: &str = "openai";

/// Its answers change with the program, and what is kept of them must not outlive it.
const OFFLINE_MODEL: &str = concat!("offline-", env!("CARGO_PKG_VERSION"));

/// What the house is wired with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) routes: BTreeMap<Stage, Route>,
    /// Who else may answer each stage.
    pub(crate) routing: BTreeMap<Stage, Routing>,
    /// Models that other programs may ask for beside those.
    pub(crate) upstreams: Vec<Route>,
    pub(crate) prices: PriceTable,
    pub(crate) rates: RateTable,
    /// Where an answer may be one to the same question in other words.
    pub(crate) semantic: SemanticConfig,
    /// Who makes vectors of texts.
    pub(crate) embeddings: Option<Route>,
    pub(crate) limits: Limits,
    /// What is said of the checks of runs.
    pub(crate) checks: CheckWords,
    pub(crate) approval: Approval,
    pub(crate) compression: Compression,
    pub(crate) budget: Budget,
    /// What the asks of a stage may cost in one run.
    pub(crate) stage_budgets: BTreeMap<Stage, Budget>,
    /// What the asks of one task may cost.
    pub(crate) task_budget: Budget,
    /// What relayed requests may cost on one day.
    pub(crate) budget_day: Option<MicroUsd>,
    /// Days for which requests of other programs are kept one by one.
    pub(crate) keep_days: u64,
    /// The node that holds all answers.
    pub(crate) archive: Option<url::Url>,
    /// The file with the key that signs provenance.
    pub(crate) provenance_key: Option<PathBuf>,
}

impl Settings {
    /// What stages and tasks may use up.
    pub(crate) fn configured_budgets(&self) -> ConfiguredBudgets {
        let stages = self.stage_budgets.iter();
        ConfiguredBudgets {
            stages: stages.map(|(stage, budget)| (*stage, *budget)).collect(),
            task: self.task_budget,
        }
    }

    /// What a gateway needs to know, with the key of its placeholders.
    pub(crate) fn gateway(&self, guard_key: SealKey) -> GatewayConfig {
        GatewayConfig {
            routes: self.routes.clone(),
            routing: self.routing.clone(),
            upstreams: self.upstreams.clone(),
            stage_budgets: self.stage_budgets.clone(),
            task_budget: self.task_budget,
            embeddings: self.embeddings.clone(),
            prices: self.prices.clone(),
            guard_key: Some(guard_key),
            semantic: self.semantic.clone(),
            rates: self.rates.clone(),
            limits: self.limits.clone(),
        }
    }

    /// Prices of every origin.
    pub(crate) fn prices(config: &Config, sources: &Sources) -> Result<PriceTable, ConfigError> {
        let imported = match &sources.prices {
            Some(path) => prices::read(path)?,
            None => Tariffs::default(),
        };
        Ok(PriceTable::new(own_prices(config)).with_imported(imported))
    }

    /// Resolves every value; keys may also stand in the variables that usually hold them.
    pub(crate) fn resolve(config: &Config, sources: &Sources) -> Result<Self, ConfigError> {
        let (mut routes, mut routing) = (BTreeMap::new(), BTreeMap::new());
        for stage in Stage::ALL {
            let of = Of {
                config,
                stage: Some(stage),
                sources,
            };
            let route = of.route()?;
            routing.insert(stage, of.routing(&route)?);
            routes.insert(stage, route);
        }
        Ok(Self {
            routes,
            routing,
            upstreams: upstreams(config, sources)?,
            embeddings: embeddings(config, sources)?,
            ..Self::without_models(config, sources)?
        })
    }

    /// The same for what asks nobody: which models there are, and whether they have keys, is none of
    /// its business.
    pub(crate) fn without_models(config: &Config, sources: &Sources) -> Result<Self, ConfigError> {
        Ok(Self {
            routes: BTreeMap::new(),
            routing: BTreeMap::new(),
            upstreams: Vec::new(),
            semantic: semantic::resolve(config)?,
            embeddings: None,
            prices: Self::prices(config, sources)?,
            rates: rates(config),
            limits: bounded(limits(config), config),
            checks: CheckWords::resolve(config, sources)?,
            approval: match text(config.get("approval")).as_deref() {
                Some("plan") => Approval::Plan,
                Some("task") => Approval::Task,
                _ => Approval::Never,
            },
            compression: text(config.get("compression"))
                .and_then(|word| word.parse().ok())
                .unwrap_or_default(),
            budget: budget(config, ""),
            stage_budgets: stage_budgets(config),
            task_budget: budget(config, "task_"),
            budget_day: money(config, "budget_day"),
            keep_days: keep_days(config),
            archive: text(config.get("archive")).and_then(|url| url.parse().ok()),
            provenance_key: text(config.get("provenance_key")).map(PathBuf::from),
        })
    }
}

fn money(config: &Config, key: &str) -> Option<MicroUsd> {
    text(config.get(key))?.parse().ok()
}

/// A budget whose keys begin so.
fn budget(config: &Config, prefix: &str) -> Budget {
    let number = |name: &str| {
        let entry = config.get(&format!("{prefix}{name}"))?;
        entry
            .value
            .as_integer()
            .and_then(|all| u64::try_from(all).ok())
    };
    let wall = text(config.get(&format!("{prefix}budget_wall")));
    Budget {
        usd: money(config, &format!("{prefix}budget")),
        tokens: number("budget_tokens"),
        calls: number("budget_calls"),
        wall_ms: wall.as_deref().and_then(|text| Resource::Wall.amount(text)),
    }
}

fn stage_budgets(config: &Config) -> BTreeMap<Stage, Budget> {
    let of = |stage: Stage| (stage, budget(config, &format!("stages.{stage}.")));
    let all = Stage::ALL.into_iter().map(of);
    all.filter(|(_, budget)| !budget.is_none()).collect()
}

/// The model that makes vectors of texts.
fn embeddings(config: &Config, sources: &Sources) -> Result<Option<Route>, ConfigError> {
    let Some(entry) = config.get(semantic::EMBEDDINGS) else {
        return Ok(None);
    };
    let of = Of {
        config,
        stage: None,
        sources,
    };
    let label = text(Some(entry)).unwrap_or_default();
    let (name, model) = label.split_once('/').unwrap_or((&label, ""));
    let upstream = of.upstream(name, &entry.origin)?;
    of.route_at(&upstream, model, of.same_place(name)).map(Some)
}

/// Every model that a provider's settings list.
fn upstreams(config: &Config, sources: &Sources) -> Result<Vec<Route>, ConfigError> {
    let of = Of {
        config,
        stage: None,
        sources,
    };
    let mut routes = Vec::new();
    for (key, entry) in config.iter() {
        let Some((name, "models")) = keys::of_provider(key) else {
            continue;
        };
        for model in list(entry) {
            let upstream = of.upstream(name, &entry.origin)?;
            routes.push(of.route_at(&upstream, &model, of.same_place(name))?);
        }
    }
    Ok(routes)
}

/// The settings of one stage: its own, else the global ones where they fit its provider. Of no
/// stage: the global ones.
struct Of<'a> {
    config: &'a Config,
    stage: Option<Stage>,
    sources: &'a Sources,
}

/// A provider by the name the user calls it.
struct Upstream<'a> {
    name: &'a str,
    entry: &'static ProviderEntry,
}

/// Where a provider is and with which key, as the stage says; its own settings stand behind.
#[derive(Default)]
struct Named<'a> {
    address: Option<(&'a Entry, String)>,
    key: Option<&'a Entry>,
}

impl<'a> Of<'a> {
    fn own(&self, key: &str) -> Option<&'a Entry> {
        self.config.get(&format!("{}{key}", self.prefix()))
    }

    fn prefix(&self) -> String {
        self.stage
            .map(|stage| format!("stages.{stage}."))
            .unwrap_or_default()
    }

    /// What is asked for, in words.
    fn asked(&self) -> String {
        match self.stage {
            Some(stage) => format!("the {stage} stage"),
            None => "other programs".to_owned(),
        }
    }

    /// A setting that is good for any provider.
    fn any(&self, key: &str) -> Option<&'a Entry> {
        self.own(key).or_else(|| self.config.get(key))
    }

    /// A setting that belongs to a provider: the global one counts only for the global provider.
    fn fitting(&self, key: &str, provider: &str) -> Option<&'a Entry> {
        let global = || {
            (self.global_provider() == provider)
                .then(|| self.config.get(key))
                .flatten()
        };
        self.own(key).or_else(global)
    }

    fn global_provider(&self) -> String {
        provider_of(self.config, "")
    }

    fn provider(&self) -> String {
        let own = ["provider", "model", "base_url"]
            .iter()
            .any(|key| self.own(key).is_some());
        if !own {
            return self.global_provider();
        }
        let named = text(self.own("provider"));
        let said = self.own("model").is_some() || self.own("base_url").is_some();
        match (named, said) {
            (Some(name), _) => name,
            (None, true) if self.config.get("provider").is_some() => self.global_provider(),
            (None, _) => provider_of(self.config, &self.prefix()),
        }
    }

    /// The provider of a name: one of the program's own, or one that the user has set up.
    fn upstream<'n>(&self, name: &'n str, origin: &Origin) -> Result<Upstream<'n>, ConfigError> {
        let kind = self.config.get(&format!("providers.{name}.provider"));
        let is_set_up = || {
            let mut keys = self.config.iter();
            keys.any(|(key, _)| keys::of_provider(key).is_some_and(|(set, _)| set == name))
        };
        let kind = match text(kind) {
            Some(kind) => kind,
            None if provider_entry(name).is_none() && is_set_up() => USUAL.to_owned(),
            None => name.to_owned(),
        };
        let entry = provider_entry(&kind).ok_or_else(|| {
            let known = PROVIDERS.iter().map(|entry| entry.name);
            ConfigError::Provider {
                name: kind.clone(),
                origin: origin.clone(),
                known: known.collect::<Vec<_>>().join(", "),
            }
        })?;
        Ok(Upstream { name, entry })
    }

    /// Who answers the stage.
    fn route(&self) -> Result<Route, ConfigError> {
        let provider = self.provider();
        let origin = self
            .any("provider")
            .map_or(Origin::Default, |entry| entry.origin.clone());
        let upstream = self.upstream(&provider, &origin)?;
        if upstream.entry.name == OFFLINE {
            return Ok(Route::new(OFFLINE, OFFLINE_MODEL, TOKENS_MAX));
        }
        let Some(model) = text(self.fitting("model", &provider)) else {
            return Err(ConfigError::NoModel {
                asked: self.asked(),
                provider,
            });
        };
        self.route_at(&upstream, &model, self.same_place(&provider))
    }

    /// Who else may answer the stage, and how one of them all is chosen.
    fn routing(&self, first: &Route) -> Result<Routing, ConfigError> {
        let (Some(entry), false) = (self.any("fallback"), first.provider == OFFLINE) else {
            return Ok(Routing::default());
        };
        let mut fallback: Vec<Route> = Vec::new();
        for label in list(entry) {
            let (name, model) = label.split_once('/').unwrap_or((&label, ""));
            let upstream = self.upstream(name, &entry.origin)?;
            let named = if name == first.name() {
                self.same_place(name)
            } else {
                Named::default()
            };
            let mut route = self.route_at(&upstream, model, named)?;
            // What only the first one understands is not worth a refusal.
            route.effort = route.effort.filter(|_| upstream.entry.abilities.effort);
            let is_new = route.label() != first.label()
                && fallback.iter().all(|other| other.label() != route.label());
            if is_new && upstream.entry.name != OFFLINE {
                fallback.push(route);
            }
        }
        let strategy = text(self.any("routing")).and_then(|name| Strategy::from_name(&name));
        Ok(Routing {
            strategy: strategy.unwrap_or_default(),
            fallback,
        })
    }

    /// The address and the key that the stage's own settings, or the global ones, give a provider.
    fn same_place(&self, provider: &str) -> Named<'a> {
        let prefix = match self.own("base_url") {
            Some(_) => self.prefix(),
            None => String::new(),
        };
        let address = self.fitting("base_url", provider);
        Named {
            address: address.map(|entry| (entry, format!("{prefix}base_url"))),
            key: self.fitting("key", provider),
        }
    }

    /// The route to a model of a provider.
    fn route_at(
        &self,
        upstream: &Upstream<'_>,
        model: &str,
        named: Named<'a>,
    ) -> Result<Route, ConfigError> {
        let Upstream { name, entry } = *upstream;
        let mut route = Route::new(entry.name, model, self.whole("tokens_max", TOKENS_MAX));
        route.upstream = (name != entry.name).then(|| name.to_owned());
        let of_provider = |part: &str| self.config.get(&format!("providers.{name}.{part}"));
        let set_up = || {
            let entry = of_provider("base_url")?;
            Some((entry, format!("providers.{name}.base_url")))
        };
        let usual = match route.upstream {
            Some(_) => None,
            None => usual_address(name, self.sources),
        };
        let usual = || Some((usual.as_ref()?, "base_url".to_owned()));
        let address = named.address.or_else(set_up).or_else(usual);
        route.base_url = match &address {
            Some((entry, key)) => Some(url(entry, key)?),
            None => None,
        };
        let temperature = self.any("temperature");
        route.temperature = temperature.and_then(|entry| entry.value.as_float());
        route.effort = text(self.any("effort")).and_then(|name| Effort::from_name(&name));
        route.stream = self.flag("stream", true);
        route.structured = self.flag("structured", false);
        route.hedge_ms = Some(self.whole("hedge_ms", 0)).filter(|after_ms| *after_ms > 0);
        let plain_http = of_provider("plain_http").and_then(|entry| entry.value.as_bool());
        route.plain_http = plain_http.unwrap_or_else(|| self.flag("plain_http", false));
        route.guard = self.guard(of_provider("guard"), &route);
        let key = named.key.or_else(|| of_provider("key"));
        let address = address.map(|(entry, _)| entry);
        may_lead_inside(address, &route)?;
        route.key = self.key((key, entry), address, &route)?;
        route.ring = self.ring(name, address, &route)?;
        let lacks_key = route.key.is_none() && route.ring.as_ref().is_none_or(KeyRing::is_empty);
        if entry.needs_key && lacks_key && route.base_url.is_none() {
            return Err(ConfigError::NoKey {
                asked: self.asked(),
                variable: variable(&route, entry),
                provider: name.to_owned(),
            });
        }
        Ok(route)
    }

    /// The key of a route. A key of the user's own never goes to an address that only the
    /// project's file names: a cloned project must not be able to collect keys. Nor does a
    /// variable's key go to a provider that the user calls by another name.
    fn key(
        &self,
        (set, provider): (Option<&Entry>, &ProviderEntry),
        address: Option<&Entry>,
        route: &Route,
    ) -> Result<Option<Secret>, ConfigError> {
        let mut variables = provider.key_variables.iter();
        let found = match set {
            Some(entry) => text(Some(entry)),
            None if route.upstream.is_some() => None,
            None => variables.find_map(|name| self.sources.variable(name)),
        };
        let Some(key) = found else { return Ok(None) };
        if !set.is_some_and(is_of_project) {
            may_have_own_key(address, route)?;
        }
        Ok(Some(Secret::new(&key)))
    }

    /// The stored keys of a provider, for a route without a named one.
    fn ring(
        &self,
        name: &str,
        address: Option<&Entry>,
        route: &Route,
    ) -> Result<Option<KeyRing>, ConfigError> {
        let (Some(place), None) = (&self.sources.keys, &route.key) else {
            return Ok(None);
        };
        let contents = place.store.read().map_err(KeysError::from)?;
        let mut keys = contents.keys.iter();
        if keys.any(|key| key.provider == name && key.is_usable()) {
            may_have_own_key(address, route)?;
            let vault = place.existing(Asking::Yes)?;
            return Ok(vault.map(|vault| vault.ring(name)));
        }
        if may_have_own_key(address, route).is_err() {
            return Ok(None);
        }
        // A key that is added later is used too, where that needs no question now.
        let vault = place.existing(Asking::No).unwrap_or_default();
        Ok(vault.map(|vault| vault.ring(name)))
    }

    /// What is hidden from a provider: as the stage says, else as is said of the provider, else as
    /// of all on its side of the network.
    fn guard(&self, of_provider: Option<&Entry>, route: &Route) -> Policy {
        let (of_side, usual) = if route.is_local() {
            ("guard_local", Policy::Off)
        } else {
            ("guard", Policy::Secrets)
        };
        let said = self.own("guard").or(of_provider);
        let said = text(said.or_else(|| self.config.get(of_side)));
        said.and_then(|word| word.parse().ok()).unwrap_or(usual)
    }

    fn whole(&self, key: &str, default: u64) -> u64 {
        let set = self.any(key).and_then(|entry| entry.value.as_integer());
        set.and_then(|number| u64::try_from(number).ok())
            .filter(|n| *n > 0)
            .unwrap_or(default)
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.any(key)
            .and_then(|entry| entry.value.as_bool())
            .unwrap_or(default)
    }
}

fn is_of_project(entry: &Entry) -> bool {
    matches!(entry.origin, Origin::Project(_))
}

/// Whether a key of the user's own may be sent where a route leads.
fn may_have_own_key(address: Option<&Entry>, route: &Route) -> Result<(), ConfigError> {
    match address.filter(|entry| is_of_project(entry)) {
        Some(entry) if !route.is_local() => Err(ConfigError::ForeignAddress {
            url: text(Some(entry)).unwrap_or_default(),
            origin: entry.origin.clone(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Whether a route may lead into the network that the user's machine is in: a cloned project must
/// not be able to have what is there asked.
fn may_lead_inside(address: Option<&Entry>, route: &Route) -> Result<(), ConfigError> {
    let is_inside = route.base_url.as_ref().is_some_and(is_private);
    match address.filter(|entry| is_of_project(entry)) {
        Some(entry) if is_inside => Err(ConfigError::InnerAddress {
            url: text(Some(entry)).unwrap_or_default(),
            origin: entry.origin.clone(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The variable in which a person puts the key of a route.
fn variable(route: &Route, provider: &ProviderEntry) -> String {
    if let Some(name) = &route.upstream {
        return format!("ATELIER_PROVIDERS_{}_KEY", name.to_uppercase());
    }
    let usual = provider.key_variables.first();
    usual.copied().unwrap_or("ATELIER_KEY").to_owned()
}

/// The address that the environment names for a provider, as other programs read it: perhaps
/// without a scheme.
pub(crate) fn usual_address(provider: &str, sources: &Sources) -> Option<Entry> {
    let names = provider_entry(provider)?.address_variables;
    names.iter().find_map(|name| {
        let said = sources.variable(name)?;
        let server = server_url(&said).filter(|_| !said.contains("://"));
        Some(Entry {
            value: toml::Value::String(server.map_or(said, String::from)),
            origin: Origin::Variable((*name).to_owned()),
        })
    })
}

/// The provider a group of keys names: by name, by the model's family, or by having an address.
fn provider_of(config: &Config, prefix: &str) -> String {
    let get = |key: &str| text(config.get(&format!("{prefix}{key}")));
    if let Some(name) = get("provider") {
        return name;
    }
    match get("model") {
        Some(model) if model.starts_with("claude") => "anthropic".to_owned(),
        // At an address of its own this name is more often an imitation's in the common dialect.
        Some(model) if model.starts_with("gemini") && get("base_url").is_none() => {
            "gemini".to_owned()
        }
        Some(_) => "openai".to_owned(),
        None if get("base_url").is_some() => "openai".to_owned(),
        None => OFFLINE.to_owned(),
    }
}

fn url(entry: &Entry, key: &str) -> Result<url::Url, ConfigError> {
    let text = text(Some(entry)).unwrap_or_default();
    text.parse()
        .ok()
        .filter(|url: &url::Url| url.has_host())
        .ok_or_else(|| {
            let wanted = "an address such as http://127.0.0.1:11434/v1";
            ConfigError::value(key, entry.origin.clone(), &entry.value, wanted)
        })
}

/// The texts of a list.
fn list(entry: &Entry) -> Vec<String> {
    let items = entry.value.as_array().into_iter().flatten();
    let texts = items.filter_map(toml::Value::as_str);
    texts.map(str::to_owned).collect()
}

fn text(entry: Option<&Entry>) -> Option<String> {
    entry?.value.as_str().map(str::to_owned)
}

pub(crate) fn limits(config: &Config) -> Limits {
    let set: serde_json::Map<String, serde_json::Value> = keys::limit_names()
        .into_iter()
        .filter_map(|name| {
            let value = config.get(&format!("limits.{name}"))?.value.as_integer()?;
            Some((name, value.into()))
        })
        .collect();
    serde_json::from_value(serde_json::Value::Object(set)).unwrap_or_default()
}

/// The same limits, with as many tasks at once as were asked for, or as the machine carries.
fn bounded(mut limits: Limits, config: &Config) -> Limits {
    let number = |key: &str| config.get(key)?.value.as_integer();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = atelier_exec::machine_memory().map(|memory| memory.available_bytes);
    let is_offline = text(config.get("provider")).is_none_or(|name| name == "offline");
    if let Some(jobs) = number("jobs") {
        limits.tasks_at_once_max = usize::try_from(jobs).unwrap_or(usize::MAX);
    } else if number("limits.tasks_at_once_max").is_none() {
        limits.tasks_at_once_max = width::tasks(processors, memory, is_offline);
    }
    if number("limits.checks_at_once_max").is_none() {
        limits.checks_at_once_max = width::checks(processors, memory);
    }
    limits
}

fn keep_days(config: &Config) -> u64 {
    let set = config.get(keys::KEEP_DAYS);
    let set = set.and_then(|entry| entry.value.as_integer());
    let set = set.and_then(|days| u64::try_from(days).ok());
    set.unwrap_or(KEEP_DAYS)
}

/// Prices of the user's own.
fn own_prices(config: &Config) -> BTreeMap<String, Price> {
    let mut prices: BTreeMap<String, Price> = BTreeMap::new();
    for (key, entry) in config.iter() {
        let Some((model, part)) = key
            .strip_prefix("prices.")
            .and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        let amount = text(Some(entry)).and_then(|text| text.parse::<MicroUsd>().ok());
        let price = prices.entry(model.to_owned()).or_insert(Price::FREE);
        let micros = amount.unwrap_or_default().0;
        match part {
            "input" => price.input = micros,
            "output" => price.output = micros,
            "cached_input" => price.cached_input = Some(micros),
            "cache_write_hour" => price.cache_write_hour = Some(micros),
            _ => price.cache_write = Some(micros),
        }
    }
    prices
}

/// How often and how much each provider and model may be asked; nothing counts as no limit.
fn rates(config: &Config) -> RateTable {
    let mut rates: BTreeMap<String, Rate> = BTreeMap::new();
    for (key, entry) in config.iter() {
        let Some((name, part)) = key
            .strip_prefix("rates.")
            .and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        let amount = entry.value.as_integer();
        let amount = amount.and_then(|amount| u64::try_from(amount).ok());
        let amount = amount.filter(|amount| *amount > 0);
        let rate = rates.entry(name.to_owned()).or_default();
        let place = match part {
            "requests_per_minute" => &mut rate.requests_per_minute,
            "requests_per_day" => &mut rate.requests_per_day,
            "tokens_per_minute" => &mut rate.tokens_per_minute,
            "tokens_per_day" => &mut rate.tokens_per_day,
            "input_tokens_per_minute" => &mut rate.input_tokens_per_minute,
            "output_tokens_per_minute" => &mut rate.output_tokens_per_minute,
            _ => &mut rate.requests_at_once,
        };
        *place = amount;
    }
    RateTable::new(rates)
}
