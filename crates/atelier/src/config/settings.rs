//! Final values: no option is left open here.

use std::collections::BTreeMap;

use atelier_llm::{
    Effort, PROVIDERS, Price, PriceTable, Route, Secret, provider_entry, server_url,
};
use atelier_model::{Approval, Limits, MicroUsd, Stage};

use super::{Config, ConfigError, Entry, Origin, Sources, keys};

/// Tokens of one answer where nothing is set.
const TOKENS_MAX: u64 = 16_384;
/// The provider where no model is configured.
pub(crate) const OFFLINE: &str = "offline";

/// Its answers change with the program, and what is kept of them must not outlive it.
const OFFLINE_MODEL: &str = concat!("offline-", env!("CARGO_PKG_VERSION"));

/// What the house is wired with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) routes: BTreeMap<Stage, Route>,
    pub(crate) prices: PriceTable,
    pub(crate) limits: Limits,
    pub(crate) approval: Approval,
    pub(crate) budget: Option<MicroUsd>,
}

impl Settings {
    /// Resolves every value; keys may also stand in the variables that usually hold them.
    pub(crate) fn resolve(config: &Config, sources: &Sources) -> Result<Self, ConfigError> {
        let mut routes = BTreeMap::new();
        for stage in Stage::ALL {
            routes.insert(
                stage,
                Of {
                    config,
                    stage,
                    sources,
                }
                .route()?,
            );
        }
        Ok(Self {
            routes,
            prices: prices(config),
            limits: limits(config),
            approval: match text(config.get("approval")).as_deref() {
                Some("plan") => Approval::Plan,
                Some("task") => Approval::Task,
                _ => Approval::Never,
            },
            budget: text(config.get("budget")).and_then(|text| text.parse().ok()),
        })
    }
}

/// The settings of one stage: its own, else the global ones where they fit its provider.
struct Of<'a> {
    config: &'a Config,
    stage: Stage,
    sources: &'a Sources,
}

impl Of<'_> {
    fn own(&self, key: &str) -> Option<&Entry> {
        self.config.get(&format!("stages.{}.{key}", self.stage))
    }

    /// A setting that is good for any provider.
    fn any(&self, key: &str) -> Option<&Entry> {
        self.own(key).or_else(|| self.config.get(key))
    }

    /// A setting that belongs to a provider: the global one counts only for the global provider.
    fn fitting(&self, key: &str, provider: &str) -> Option<&Entry> {
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
            (None, _) => provider_of(self.config, &format!("stages.{}.", self.stage)),
        }
    }

    fn route(&self) -> Result<Route, ConfigError> {
        let provider = self.provider();
        let origin = self
            .any("provider")
            .map_or(Origin::Default, |entry| entry.origin.clone());
        let Some(entry) = provider_entry(&provider) else {
            let known = PROVIDERS
                .iter()
                .map(|entry| entry.name)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(ConfigError::Provider {
                name: provider,
                origin,
                known,
            });
        };
        if provider == OFFLINE {
            return Ok(Route::new(OFFLINE, OFFLINE_MODEL, TOKENS_MAX));
        }
        let Some(model) = text(self.fitting("model", &provider)) else {
            return Err(ConfigError::NoModel {
                stage: self.stage,
                provider,
            });
        };
        let mut route = Route::new(&provider, model, self.whole("tokens_max", TOKENS_MAX));
        let usual = usual_address(&provider, self.sources);
        let address = self.fitting("base_url", &provider).or(usual.as_ref());
        route.base_url = match address {
            None => None,
            Some(entry) => {
                let staged = self.own("base_url").is_some();
                let prefix = if staged {
                    format!("stages.{}.", self.stage)
                } else {
                    String::new()
                };
                Some(url(entry, format!("{prefix}base_url"))?)
            }
        };
        route.temperature = self
            .any("temperature")
            .and_then(|entry| entry.value.as_float());
        route.effort = text(self.any("effort")).and_then(|name| Effort::from_name(&name));
        route.stream = self.flag("stream", true);
        route.structured = self.flag("structured", false);
        route.plain_http = self.flag("plain_http", false);
        route.key = self.key(&provider, entry.key_variables, address, &route)?;
        if entry.needs_key && route.key.is_none() && route.base_url.is_none() {
            let variable = entry
                .key_variables
                .first()
                .copied()
                .unwrap_or("ATELIER_KEY")
                .to_owned();
            return Err(ConfigError::NoKey {
                stage: self.stage,
                provider,
                variable,
            });
        }
        Ok(route)
    }

    /// The key of the stage. A key of the user's own never goes to an address that only the
    /// project's file names: a cloned project must not be able to collect keys.
    fn key(
        &self,
        provider: &str,
        variables: &[&str],
        address: Option<&Entry>,
        route: &Route,
    ) -> Result<Option<Secret>, ConfigError> {
        let set = self.fitting("key", provider);
        let found = match set {
            Some(entry) => text(Some(entry)),
            None => variables
                .iter()
                .find_map(|name| self.sources.variable(name)),
        };
        let Some(key) = found else { return Ok(None) };
        let from_project = |entry: &Entry| matches!(entry.origin, Origin::Project(_));
        let own_key = !set.is_some_and(from_project);
        if let Some(entry) = address.filter(|entry| from_project(entry))
            && own_key
            && !route.is_local()
        {
            let url = text(Some(entry)).unwrap_or_default();
            return Err(ConfigError::ForeignAddress {
                url,
                origin: entry.origin.clone(),
            });
        }
        Ok(Some(Secret::new(&key)))
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

fn url(entry: &Entry, key: String) -> Result<url::Url, ConfigError> {
    let text = text(Some(entry)).unwrap_or_default();
    text.parse()
        .ok()
        .filter(|url: &url::Url| url.has_host())
        .ok_or_else(|| ConfigError::Value {
            key,
            origin: entry.origin.clone(),
            wanted: "an address such as http://127.0.0.1:11434/v1",
        })
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

/// Prices of the user's own, over those that come with the program.
fn prices(config: &Config) -> PriceTable {
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
            _ => price.cache_write = Some(micros),
        }
    }
    PriceTable::new(prices)
}
