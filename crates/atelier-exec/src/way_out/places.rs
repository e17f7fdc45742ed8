//! Places one may go to: hosts, with a port where one is named.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Ports of a host where none is named.
const USUAL: [u16; 2] = [443, 80];
/// Characters of a host's name.
const HOST_CHARS_MAX: usize = 253;

/// Whether a registry is asked on this port where none is named.
pub(super) fn is_usual(port: u16) -> bool {
    USUAL.contains(&port)
}

/// How a host stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Everybody knows it: it lies out in the world.
    Known,
    /// The operator or the user's own settings name it: it may lie nearby.
    Named,
}

/// A host, or all hosts below one, and a port if one is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    host: String,
    /// Whether it is the hosts below that are meant.
    below: bool,
    port: Option<u16>,
}

impl Place {
    /// Of `HOST`, `HOST:PORT`, `*.HOST`, or an address of the web.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((scheme, _)) = text.split_once("://") {
            let web = text.strip_prefix("sparse+").unwrap_or(text);
            let url = Url::parse(web).ok()?;
            let named = scheme.ends_with("http") || scheme.ends_with("https");
            let host = url.host_str().filter(|_| named)?;
            return Self::of(host, url.port());
        }
        let (host, port) = split(text)?;
        Self::of(host, port)
    }

    fn of(host: &str, port: Option<u16>) -> Option<Self> {
        let (host, below) = match host.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (host, false),
        };
        let host = plain(host);
        let letters = |host: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
            host.chars().all(fits)
        };
        // Some settings name nobody's address to say that there is no registry; here it is this
        // machine's.
        let nobody = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        let fits = !host.is_empty() && host.len() <= HOST_CHARS_MAX && letters(&host) && !nobody;
        fits.then_some(Self { host, below, port })
    }

    /// Whether a host, in the plain form, is meant.
    pub(super) fn is_host(&self, host: &str) -> bool {
        if self.below {
            let rest = host.strip_suffix(&self.host);
            return rest.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        }
        self.host == host
    }

    /// Whether a port of the host is meant.
    pub(super) fn is_port(&self, port: u16) -> bool {
        self.port.map_or_else(|| is_usual(port), |own| own == port)
    }

    /// Whether it is this host and this port, whatever else it is.
    pub(super) fn is_exactly(&self, host: &str, port: u16) -> bool {
        self.is_host(host) && self.is_port(port)
    }
}

/// A host's name as it is compared: in lower case, without brackets and without the last dot.
pub(super) fn plain(host: &str) -> String {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = inner.unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Splits `HOST[:PORT]`; an address of the newer kind stands in brackets.
pub(super) fn split(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => port.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((place, None)),
    }
}
