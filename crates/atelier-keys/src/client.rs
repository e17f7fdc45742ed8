//! A key that a client of the gateway shows, and what it opens.

use atelier_model::{MicroUsd, Timestamp};
use atelier_seal::Secret;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{RandomError, Role, hex, random};

/// How every key of a client begins, so that people and scanners know what they have found.
pub const CLIENT_KEY_PREFIX: &str = "atl_";

/// Bytes of chance in a key.
const KEY_BYTES: usize = 32;

/// A key of a client, without its value: of that, only the digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What tells it from every other.
    pub id: String,
    /// Who has it.
    pub name: String,
    /// What it opens.
    pub terms: ClientTerms,
    /// The end of its value, so that a person can tell two apart.
    pub shown: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    #[serde(with = "hex::serde")]
    digest: Vec<u8>,
}

/// What a key of a client opens, for how long and for how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTerms {
    /// What its holder is trusted with.
    pub role: Role,
    /// Models that may be asked for, by the names clients use; `*` stands for any letters. Empty
    /// for all.
    pub models: Vec<String>,
    /// Dialects that may be spoken; empty for all.
    pub dialects: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The most that may be spent in one day in UTC.
    pub budget_day: Option<MicroUsd>,
    /// The most that may be spent in all.
    pub budget_total: Option<MicroUsd>,
    /// The most requests in any sixty seconds.
    pub requests_per_minute: Option<u32>,
}

/// A key that was just issued: the one time that its value is there.
#[derive(Debug)]
pub struct Issued {
    /// What is kept of it.
    pub client: Client,
    /// Its value.
    pub value: Secret,
}

impl ClientTerms {
    /// A role, and no bounds.
    pub fn of(role: Role) -> Self {
        Self {
            role,
            models: Vec::new(),
            dialects: Vec::new(),
            expires_at: None,
            budget_day: None,
            budget_total: None,
            requests_per_minute: None,
        }
    }

    /// Whether a model may be asked for by this name.
    pub fn allow_model(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|pattern| fits(pattern, model))
    }

    /// Whether a dialect may be spoken.
    pub fn allow_dialect(&self, dialect: &str) -> bool {
        self.dialects.is_empty() || self.dialects.iter().any(|allowed| allowed == dialect)
    }
}

impl Client {
    pub(crate) fn issue(
        name: &str,
        terms: ClientTerms,
        now: Timestamp,
    ) -> Result<Issued, RandomError> {
        let chance = zeroize::Zeroizing::new(random::bytes::<KEY_BYTES>()?);
        let text = format!("{CLIENT_KEY_PREFIX}{}", hex::encode(&*chance));
        let text = zeroize::Zeroizing::new(text);
        let value = Secret::new(&text);
        let client = Self {
            id: random::id("client_")?,
            name: name.to_owned(),
            terms,
            shown: value.masked(),
            created_at: now,
            revoked_at: None,
            digest: digest_of(&text).to_vec(),
        };
        Ok(Issued { client, value })
    }

    /// Whether it opens anything at this moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && !self.is_expired(now)
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.terms.expires_at.is_some_and(|end| end <= now)
    }

    /// How far it has come, in one word.
    pub fn standing(&self, now: Timestamp) -> &'static str {
        if self.revoked_at.is_some() {
            "revoked"
        } else if self.is_expired(now) {
            "expired"
        } else {
            "open"
        }
    }

    /// What may be told of it.
    pub fn document(&self, now: Timestamp) -> Value {
        let terms = &self.terms;
        json!({
            "id": self.id, "name": self.name, "state": self.standing(now), "shown": self.shown,
            "role": terms.role, "models": terms.models, "dialects": terms.dialects,
            "expires_at": terms.expires_at, "budget_day_micro_usd": terms.budget_day,
            "budget_total_micro_usd": terms.budget_total,
            "requests_per_minute": terms.requests_per_minute, "created_at": self.created_at,
            "revoked_at": self.revoked_at,
        })
    }

    /// What it is called where it must be told from an earlier one of the same name.
    pub fn title(&self) -> String {
        format!("{} ({})", self.name, self.id)
    }

    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// What is kept of a value. It has 256 bits of chance, so nobody finds it by guessing, and a slow
/// digest would only slow down every request.
pub(crate) fn digest_of(value: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, value.as_bytes()).as_ref());
    bytes
}

/// Whether a name fits a pattern in which `*` stands for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}
