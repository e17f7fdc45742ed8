//! Proxies between this machine and the world, as the user's own settings name them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    places::{Place, plain},
    settings::Settings,
};

/// The port of a proxy that names none.
const PORT: u16 = 80;

/// The proxies, and the hosts for which there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ways {
    https: Option<Way>,
    http: Option<Way>,
    direct: Vec<String>,
}

/// A proxy on the way to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    /// One that is asked in HTTP.
    Proxy(Proxy),
    /// One of a kind that is not spoken here.
    Unspoken,
}

/// A proxy that is asked in HTTP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// What the user shows it; stays outside.
    pub(super) authorization: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Ways {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            https: settings.https.as_deref().map(Way::parse),
            http: settings.http.as_deref().map(Way::parse),
            direct: settings.direct.clone(),
        }
    }

    /// The proxy for a host, if there is one.
    pub(super) fn to(&self, encrypted: bool, host: &str, port: u16) -> Option<&Way> {
        let direct = |entry: &String| {
            let (name, own) = entry.split_once(':').unwrap_or((entry, ""));
            let name = name.trim_start_matches('*').trim_start_matches('.');
            let ports = own.is_empty() || own.parse() == Ok(port);
            let below = || {
                host.strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            entry == "*" || (ports && !name.is_empty() && (host == name || below()))
        };
        let way = if encrypted { &self.https } else { &self.http };
        way.as_ref().filter(|_| !self.direct.iter().any(direct))
    }

    /// Whether a place is one of the proxies themselves.
    pub(super) fn is_one(&self, place: &Place) -> bool {
        let ways = self.https.iter().chain(&self.http);
        ways.into_iter().any(|way| match way {
            Way::Proxy(proxy) => place.is_exactly(&plain(&proxy.host), proxy.port),
            Way::Unspoken => false,
        })
    }
}

impl Way {
    /// Of `http://[USER[:PASSWORD]@]HOST[:PORT]`, or the same without the beginning.
    fn parse(text: &str) -> Self {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&whole).ok().filter(|url| url.scheme() == "http");
        let Some((host, url)) = url.as_ref().and_then(|url| Some((url.host_str()?, url))) else {
            return Self::Unspoken;
        };
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let authorization = (!url.username().is_empty()).then(|| {
            let mut shown = decoded(url.username());
            shown.push(b':');
            shown.extend(decoded(url.password().unwrap_or_default()));
            format!("Basic {}", STANDARD.encode(shown))
        });
        Self::Proxy(Proxy {
            host: plain(host),
            port: url.port().unwrap_or(PORT),
            authorization,
        })
    }
}
