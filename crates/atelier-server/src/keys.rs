//! The keys that clients show.

use atelier_llm::Secret;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// Headers that hold nothing but a key.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// The keys that open the door; without any it is open.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: Vec<Secret>,
}

impl Keys {
    /// These keys; empty ones open nothing.
    pub fn new(keys: impl IntoIterator<Item = Secret>) -> Self {
        Self {
            keys: keys.into_iter().filter(|key| !key.is_empty()).collect(),
        }
    }

    /// Whether anybody is answered.
    pub fn are_none(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a request shows one of them.
    pub(crate) fn open_for(&self, headers: &HeaderMap, query: &str) -> bool {
        self.are_none() || shown(headers, query).any(|shown| self.holds(shown))
    }

    /// Looks at every key to its end, so that the time tells nothing of them.
    fn holds(&self, shown: &str) -> bool {
        let same = self.keys.iter().map(|key| is_same(key.expose(), shown));
        same.fold(false, |any, same| any | same)
    }
}

fn is_same(key: &str, shown: &str) -> bool {
    let (key, shown) = (key.as_bytes(), shown.as_bytes());
    let differing = key.iter().enumerate().fold(0_u8, |differing, (at, byte)| {
        differing | (byte ^ shown.get(at).copied().unwrap_or(0))
    });
    differing == 0 && key.len() == shown.len()
}

/// Every key that a request shows.
fn shown<'r>(headers: &'r HeaderMap, query: &'r str) -> impl Iterator<Item = &'r str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let named = KEY_HEADERS.into_iter();
    let named = named.filter_map(|name| headers.get(name)?.to_str().ok());
    let in_query = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("key="));
    bearer.into_iter().chain(named).chain(in_query)
}
