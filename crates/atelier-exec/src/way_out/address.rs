//! Addresses of hosts: how they are found, and how near they lie.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::lookup_host;

use super::{Why, places::Standing};

/// Addresses of one host that are looked at.
const ADDRESSES_MAX: usize = 16;

/// Where machines of a cloud are told about themselves, keys among it, although the address looks
/// like any other.
const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// How names become addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Lookup {
    /// As this machine does it.
    #[default]
    Machine,
    /// As a test wants it.
    #[cfg(test)]
    Table(Vec<(String, IpAddr)>),
}

/// How near an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearness {
    /// Out in the world.
    World,
    /// In this machine or its neighbourhood.
    Near,
    /// Nobody keeps packages there: everybody at once, nobody, or the cloud's own records.
    Nowhere,
}

impl Lookup {
    /// Addresses of a host that may be called; those that may not are left out, and where none is
    /// left, one of them says why.
    pub(super) async fn find(
        &self,
        host: &str,
        port: u16,
        standing: Standing,
    ) -> Result<Vec<SocketAddr>, NotFound> {
        let found = self.all(host, port).await.map_err(NotFound::Unknown)?;
        let literal = host.parse::<IpAddr>().is_ok();
        let mut refused = None;
        let mut fitting = Vec::new();
        for address in found {
            // Who writes an address down means it.
            if literal || may_be_called(address.ip(), standing) {
                fitting.push(address);
            } else {
                refused = Some(address.ip());
            }
        }
        match (fitting.is_empty(), refused) {
            (false, _) => Ok(fitting),
            (true, Some(address)) => Err(NotFound::Refused(Why::Address { address })),
            (true, None) => Err(NotFound::Unknown(io::ErrorKind::NotFound.into())),
        }
    }

    async fn all(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Machine => Ok(lookup_host((host, port))
                .await?
                .take(ADDRESSES_MAX)
                .collect()),
            #[cfg(test)]
            Self::Table(table) => {
                if let Ok(address) = host.parse() {
                    return Ok(vec![SocketAddr::new(address, port)]);
                }
                let of = |(name, address): &(String, IpAddr)| {
                    (name == host).then(|| SocketAddr::new(*address, port))
                };
                Ok(table.iter().filter_map(of).collect())
            }
        }
    }
}

/// Why a host has no address that may be called.
#[derive(Debug)]
pub(super) enum NotFound {
    /// Nobody knows it.
    Unknown(io::Error),
    /// It lies where it may not be called.
    Refused(Why),
}

fn may_be_called(address: IpAddr, standing: Standing) -> bool {
    match (nearness(address), standing) {
        (Nearness::World, _) | (Nearness::Near, Standing::Named) => true,
        (Nearness::Near, Standing::Known) | (Nearness::Nowhere, _) => false,
    }
}

/// How near an address lies. Addresses set aside for examples count as the world's: they lead
/// nowhere unless somebody made a way for them.
pub(super) fn nearness(address: IpAddr) -> Nearness {
    match address.to_canonical() {
        IpAddr::V4(address) => nearness_v4(address),
        IpAddr::V6(address) => nearness_v6(address),
    }
}

fn nearness_v4(address: Ipv4Addr) -> Nearness {
    let [first, second, third, _] = address.octets();
    let of_nobody = first == 0 || first >= 240 || (first, second, third) == (192, 0, 0);
    let of_many = address.is_multicast() || address.is_broadcast();
    if of_nobody || of_many || address.is_link_local() || METADATA_V4.contains(&address) {
        return Nearness::Nowhere;
    }
    let shared = first == 100 && second & 0xc0 == 64;
    let benchmarked = first == 198 && second & 0xfe == 18;
    if address.is_loopback() || address.is_private() || shared || benchmarked {
        return Nearness::Near;
    }
    Nearness::World
}

fn nearness_v6(address: Ipv6Addr) -> Nearness {
    let parts = address.segments();
    if METADATA_V6.contains(&address) {
        return Nearness::Nowhere;
    }
    if let Some(within) = within(parts) {
        return nearness_v4(within);
    }
    if address.is_loopback() || address.is_unique_local() {
        return Nearness::Near;
    }
    if parts[0] & 0xe000 == 0x2000 {
        return Nearness::World;
    }
    Nearness::Nowhere
}

/// The older address that is meant by one of the newer kind, where it is only translated.
fn within(parts: [u16; 8]) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(of(high, low)),
        // The other end of a tunnel stands there with every bit turned.
        [0x2001, 0, _, _, _, _, high, low] => Some(of(!high, !low)),
        _ => None,
    }
}
