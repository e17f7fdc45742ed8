//! A provider behind HTTP: a dialect, an address, and where the key goes.

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Call, CallError, Completion, GatewayError, Provider, ProviderEntry, Route, Secret,
    http::{Endpoint, Transport},
    wire::Dialect,
};

/// What one dialect makes of a call; the rest is the same for all who answer over HTTP.
pub(super) trait Spoken: Send + Sync {
    /// How its answers are read.
    type Dialect: Dialect + Send;

    /// The body of a request.
    fn body(&self, call: &Call<'_>) -> Vec<u8>;

    /// What reads the answer.
    fn dialect(&self, _: &Call<'_>) -> Self::Dialect {
        Self::Dialect::default()
    }
}

/// The header that carries a key, and what stands before the key in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyHeader {
    name: &'static str,
    prefix: &'static str,
}

impl KeyHeader {
    /// `authorization: Bearer KEY`.
    pub(super) const BEARER: Self = Self {
        name: "authorization",
        prefix: "Bearer ",
    };

    /// A header that holds nothing but the key.
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, prefix: "" }
    }

    /// The headers of a route: its key, where it has one.
    pub(super) fn headers(self, route: &Route) -> Result<Headers, GatewayError> {
        let mut usual = HeaderMap::new();
        if let Some(key) = route.usable_key() {
            let (name, value) = self.header(key).ok_or(GatewayError::Key)?;
            usual.insert(name, value);
        }
        Ok(Headers { key: self, usual })
    }

    /// The header of a key; `None` where there is a character in it that no header carries.
    fn header(self, key: &Secret) -> Option<(HeaderName, HeaderValue)> {
        let text = Zeroizing::new(format!("{}{}", self.prefix, key.expose()));
        let mut value = HeaderValue::try_from(text.as_str()).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_static(self.name), value))
    }
}

/// The headers of every request to a server, and where another key than the route's would go.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    key: KeyHeader,
    usual: HeaderMap,
}

impl Headers {
    /// Adds one that every request carries.
    pub(super) fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.usual.insert(name, value);
    }

    /// Those of one sending, with its own key where it has one.
    pub(crate) fn with(&self, key: Option<&Secret>) -> Result<HeaderMap, CallError> {
        let mut headers = self.usual.clone();
        if let Some(key) = key {
            let header = self.key.header(key);
            let (name, value) = header.ok_or(CallError::KeyMissing)?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

struct Hosted<S> {
    endpoint: Endpoint,
    needs_key: bool,
    spoken: S,
}

/// Puts a provider together.
pub(super) fn host(
    entry: &ProviderEntry,
    route: &Route,
    transport: &Transport,
    (addresses, headers): ((Url, Url), Headers),
    spoken: impl Spoken + 'static,
) -> Result<Arc<dyn Provider>, GatewayError> {
    if route.effort.is_some() && !entry.abilities.effort {
        return Err(GatewayError::Effort {
            provider: entry.name,
        });
    }
    let needs_key = entry.needs_key && is_usual(entry, &addresses.0);
    let endpoint = Endpoint::new(addresses, headers, route.usable_key(), transport)?;
    Ok(Arc::new(Hosted {
        endpoint,
        needs_key,
        spoken,
    }))
}

/// Whether an address is at the usual host of a provider; one that has none is nowhere else.
pub(super) fn is_usual(entry: &ProviderEntry, url: &Url) -> bool {
    let usual = entry
        .default_base_url
        .and_then(|base| Url::parse(base).ok());
    usual.is_none_or(|usual| usual.host() == url.host())
}

/// A request as it travels.
pub(super) fn written(request: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and JSON values are all that requests hold, and each of them can be written.
    serde_json::to_vec(request).unwrap_or_default()
}

impl<S: Spoken> Hosted<S> {
    fn check_key(&self, own: Option<&Secret>) -> Result<(), CallError> {
        if self.needs_key && own.is_none() && !self.endpoint.has_key() {
            return Err(CallError::KeyMissing);
        }
        Ok(())
    }
}

impl<S: Spoken> Provider for Hosted<S> {
    fn send<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(async move {
            self.check_key(call.key)?;
            let body = self.spoken.body(call);
            let dialect = self.spoken.dialect(call);
            let endpoint = &self.endpoint;
            endpoint.ask(body, dialect, call).await
        })
    }

    fn probe<'a>(&'a self, limits: &'a Limits) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            self.check_key(None)?;
            self.endpoint.probe(limits).await
        })
    }
}
