//! What went through the door, and what did not: counted, and told once for each host.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{
    address::{Nearness, nearness},
    places::is_usual,
};

/// Bytes that a command may take in, and that it may send.
pub(super) const RECEIVED_BYTES_MAX: u64 = 16 << 30;
pub(super) const SENT_BYTES_MAX: u64 = 256 << 20;
/// Refused hosts that are named; the others are counted.
const NAMED_MAX: usize = 64;
/// Characters of a refused host's name that are kept.
const HOST_CHARS_MAX: usize = 253;

/// What a command that installs packages asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Connections to hosts that it may reach.
    pub connections: u64,
    /// Bytes it took in.
    pub received_bytes: u64,
    /// Bytes it sent.
    pub sent_bytes: u64,
    /// Hosts that it asked for and may not reach.
    pub refused: Vec<Refusal>,
    /// Refused askings for hosts that are not named here because there were too many.
    pub refused_more: u64,
}

/// A host that was asked for and not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Why.
    pub why: Why,
    /// How often it was asked for.
    pub times: u64,
}

/// Why a host is not reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Why {
    /// It is no known registry, and nobody named it.
    NotNamed,
    /// The host may be reached, on other ports.
    Port,
    /// It lies in this machine, its neighbourhood, or where no packages are.
    Address {
        /// Where.
        address: IpAddr,
    },
    /// The proxy on the way to it is of a kind that is not spoken here.
    Way,
    /// Enough was sent or taken in.
    Bytes,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        match &self.why {
            Why::NotNamed => write!(f, "reached for {host}: not among `registries`"),
            Why::Port => write!(
                f,
                "reached for port {port} of {host}: not among `registries`"
            ),
            Why::Address { address } => {
                write!(
                    f,
                    "reached for {host}, which lies at {address}: no registry is there"
                )
            }
            Why::Way => write!(
                f,
                "reached for {host}: your proxy on the way to it is no `http://` one"
            ),
            Why::Bytes => write!(
                f,
                "reached for {host} and went on beyond {RECEIVED_BYTES_MAX} bytes in, \
                 {SENT_BYTES_MAX} out"
            ),
        }
    }
}

impl Refusal {
    /// What a person can do about it who wants it reached.
    pub fn remedy(&self) -> String {
        let Self { host, port, .. } = self;
        let name = |place: &str| {
            format!(
                "if packages come from there, add \"{place}\" to `registries` of your own \
                 configuration"
            )
        };
        let nowhere = |address: IpAddr| match nearness(address) {
            Nearness::Nowhere => Some("no packages are there".to_owned()),
            Nearness::Near | Nearness::World => None,
        };
        match &self.why {
            Why::NotNamed if is_usual(*port) => {
                let address = host.parse().ok();
                address.and_then(nowhere).unwrap_or_else(|| name(host))
            }
            Why::NotNamed | Why::Port => name(&format!("{host}:{port}")),
            Why::Address { address } => nowhere(*address).unwrap_or_else(|| name(host)),
            Why::Way => "name a proxy of the form http://HOST:PORT in HTTPS_PROXY".to_owned(),
            Why::Bytes => "split the installation into several steps".to_owned(),
        }
    }
}

/// The count that is kept while a command runs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    connections: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    refused: Mutex<Refused>,
}

#[derive(Debug, Default)]
struct Refused {
    named: BTreeMap<(String, u16, Why), u64>,
    more: u64,
}

impl Ledger {
    /// Notes a connection to a host that may be reached.
    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes bytes that were taken in; whether there may be more.
    pub(super) fn received(&self, count: usize) -> bool {
        let before = self.received.fetch_add(count as u64, Ordering::Relaxed);
        before.saturating_add(count as u64) <= RECEIVED_BYTES_MAX
    }

    /// Notes bytes that were sent; whether there may be more.
    pub(super) fn sent(&self, count: usize) -> bool {
        let before = self.sent.fetch_add(count as u64, Ordering::Relaxed);
        before.saturating_add(count as u64) <= SENT_BYTES_MAX
    }

    /// Notes a host that is refused, and says it in words.
    pub(super) fn refused(&self, host: &str, port: u16, why: Why) -> Refusal {
        let host: String = host.chars().take(HOST_CHARS_MAX).collect();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.clone(), port, why.clone());
        if refused.named.len() < NAMED_MAX || refused.named.contains_key(&key) {
            *refused.named.entry(key).or_default() += 1;
        } else {
            refused.more += 1;
        }
        Refusal {
            host,
            port,
            why,
            times: 1,
        }
    }

    /// What went through until now.
    pub(crate) fn traffic(&self) -> Traffic {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let named = refused.named.iter();
        Traffic {
            connections: self.connections.load(Ordering::Relaxed),
            received_bytes: self.received.load(Ordering::Relaxed),
            sent_bytes: self.sent.load(Ordering::Relaxed),
            refused: named
                .map(|((host, port, why), times)| Refusal {
                    host: host.clone(),
                    port: *port,
                    why: why.clone(),
                    times: *times,
                })
                .collect(),
            refused_more: refused.more,
        }
    }
}
