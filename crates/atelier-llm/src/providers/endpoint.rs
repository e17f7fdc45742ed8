//! Addresses: from what people write as a base URL to where a request goes.

use url::Url;

use crate::{
    GatewayError, ProviderEntry, Route,
    config::{is_loopback, is_nobody},
};

/// The version segment that most add where a base has none.
pub(crate) const VERSION: &str = "v1";

/// The segments after the version of the list of models.
pub(super) const MODELS: &[&str] = &["models"];

/// The addresses of a route: the question, and the list of models. `version` is added where the
/// base has none.
pub(crate) fn addresses(
    route: &Route,
    entry: &ProviderEntry,
    version: &str,
    ask_segments: &[&str],
) -> Result<(Url, Url), GatewayError> {
    probed_addresses(route, entry, version, (ask_segments, MODELS))
}

/// The same where something else than the list of models tells whether a key is right.
pub(super) fn probed_addresses(
    route: &Route,
    entry: &ProviderEntry,
    version: &str,
    (ask_segments, probe_segments): (&[&str], &[&str]),
) -> Result<(Url, Url), GatewayError> {
    let base = base(route, entry)?;
    let ask_url = joined(&base, version, ask_segments, ask_segments);
    let probe_url = joined(&base, version, ask_segments, probe_segments);
    Ok((ask_url, probe_url))
}

/// The base of a route: its own, else the usual one of its provider.
pub(super) fn base(route: &Route, entry: &ProviderEntry) -> Result<Url, GatewayError> {
    let usual = || {
        entry
            .default_base_url
            .and_then(|text| Url::parse(text).ok())
    };
    let base = route.base_url.clone().or_else(usual);
    let base = base.ok_or(GatewayError::NoAddress {
        provider: entry.name,
    })?;
    check(route, &base)?;
    Ok(base)
}

fn check(route: &Route, base: &Url) -> Result<(), GatewayError> {
    if !matches!(base.scheme(), "http" | "https") {
        return Err(wrong(route, "it must begin with http:// or https://"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(wrong(route, "it must not hold a user name or password"));
    }
    if is_nobody(base) {
        return Err(wrong(route, "no server of a model has such an address"));
    }
    if base.scheme() == "http" && !is_loopback(base) && !route.plain_http {
        return Err(GatewayError::PlainHttp {
            url: base.to_string(),
        });
    }
    Ok(())
}

fn wrong(route: &Route, why: &'static str) -> GatewayError {
    let mut shown = route.base_url.clone();
    if let Some(url) = &mut shown {
        // Neither call fails for a URL that can have them, and others have none to show.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    GatewayError::Url {
        url: shown.map(String::from).unwrap_or_default(),
        why,
    }
}

/// The base with `segments` after its version; a base that is the whole address of a question
/// already (`known`) is taken apart first.
fn joined(base: &Url, version: &str, known: &[&str], segments: &[&str]) -> Url {
    let mut path: Vec<String> = base
        .path_segments()
        .into_iter()
        .flatten()
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect();
    if path.len() >= known.len() && path.ends_with(&owned(known)) {
        path.truncate(path.len() - known.len());
    }
    if !path.iter().any(|segment| is_version(segment)) {
        path.push(version.to_owned());
    }
    path.extend(owned(segments));
    let mut url = base.clone();
    url.set_path(&path.join("/"));
    url
}

fn owned(segments: &[&str]) -> Vec<String> {
    segments.iter().map(|&segment| segment.to_owned()).collect()
}

/// Whether a path segment names a version: `v1`, `v4`, `v1beta`.
pub(super) fn is_version(segment: &str) -> bool {
    let mut rest = segment.chars();
    rest.next() == Some('v') && rest.next().is_some_and(|c| c.is_ascii_digit())
}
