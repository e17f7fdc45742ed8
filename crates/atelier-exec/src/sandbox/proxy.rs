//! The door of a command that installs packages: a proxy that opens connections to package
//! registries and to nothing else.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};

use super::frame::Order;

/// Registries of packages that everybody uses, and the hosts on which their files lie.
const KNOWN: [&str; 33] = [
    "archive.apache.org",
    "api.nuget.org",
    "cdn.cocoapods.org",
    "codeload.github.com",
    "crates.io",
    "deb.debian.org",
    "downloads.gradle.org",
    "files.pythonhosted.org",
    "github.com",
    "globalcdn.nuget.org",
    "go.dev",
    "hex.pm",
    "builds.hex.pm",
    "index.crates.io",
    "index.rubygems.org",
    "jsr.io",
    "maven.google.com",
    "npm.jsr.io",
    "nodejs.org",
    "objects.githubusercontent.com",
    "packagist.org",
    "plugins-artifacts.gradle.org",
    "plugins.gradle.org",
    "proxy.golang.org",
    "pypi.org",
    "raw.githubusercontent.com",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "repo.hex.pm",
    "repo.maven.apache.org",
    "repo.packagist.org",
    "repo1.maven.org",
    "rubygems.org",
];
/// The same, as ends of names of hosts.
const KNOWN_BELOW: [&str; 4] = [".crates.io", ".pub.dev", ".rubygems.org", ".golang.org"];
/// Variables that name an operator's own registries.
const NAMED_BY: [&str; 9] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
    "YARN_NPM_REGISTRY_SERVER",
    "GOPROXY",
];
/// Ports that a registry is asked on where none is named.
const PORTS: [u16; 2] = [443, 80];
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Connections at once.
const CONNECTIONS_MAX: usize = 256;
/// Time for the head of a request, and for a connection to come about.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which hosts may be reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Registries {
    /// Hosts the operator named, with the port if one was named; their addresses may be private.
    named: Vec<(String, Option<u16>)>,
}

impl Registries {
    /// Those of an order.
    pub(super) fn of(order: &Order) -> Self {
        let by_variable = NAMED_BY.iter().filter_map(|name| order.env.get(*name));
        let by_variable = by_variable.flat_map(|value| value.split([' ', ',', '|']));
        let all = order
            .registries
            .iter()
            .map(String::as_str)
            .chain(by_variable);
        Self {
            named: all.filter_map(named).collect(),
        }
    }

    /// Whether a host may be reached on a port, and whether wherever it lies.
    fn allow(&self, host: &str, port: u16) -> Option<Where> {
        let host = host.to_ascii_lowercase();
        let fits = |(name, own): &&(String, Option<u16>)| {
            *name == host && own.map_or(PORTS.contains(&port), |own| own == port)
        };
        if self.named.iter().any(|named| fits(&named)) {
            return Some(Where::Anywhere);
        }
        let known =
            KNOWN.contains(&host.as_str()) || KNOWN_BELOW.iter().any(|below| host.ends_with(below));
        (known && PORTS.contains(&port)).then_some(Where::Public)
    }
}

/// Where the addresses of a host may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Public,
    Anywhere,
}

/// The host of an address or of `HOST[:PORT]`, without what it says of users and paths.
fn named(text: &str) -> Option<(String, Option<u16>)> {
    let (usual, rest) = match text.split_once("://") {
        Some(("https", rest)) => (Some(443), rest),
        Some(("http", rest)) => (Some(80), rest),
        Some(_) => return None,
        None => (None, text),
    };
    let rest = rest.split(['/', '?', '#']).next()?;
    let place = rest.rsplit('@').next()?;
    let (host, port) = place_split(place)?;
    let port = port.or(usual);
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// Splits `HOST[:PORT]`; an address of the newer kind stands in brackets.
fn place_split(place: &str) -> Option<(&str, Option<u16>)> {
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

/// Answers at the door until it is dropped.
pub(super) async fn keep(door: TcpListener, registries: Registries) {
    let registries = Arc::new(registries);
    let mut guests = JoinSet::new();
    loop {
        if guests.len() >= CONNECTIONS_MAX {
            guests.join_next().await;
            continue;
        }
        tokio::select! {
            came = door.accept() => {
                let Ok((guest, _)) = came else { return };
                let registries = registries.clone();
                guests.spawn(async move {
                    // A guest that goes away, or a registry that does, ends its own connection.
                    let _ = serve(guest, &registries).await;
                });
            }
            Some(_) = guests.join_next() => {}
        }
    }
}

async fn serve(mut guest: TcpStream, registries: &Registries) -> io::Result<()> {
    let head = timeout(PATIENCE, head(&mut guest)).await??;
    let Some(request) = Request::parse(&head) else {
        return refuse(
            &mut guest,
            "400 Bad Request",
            "this is no request of a proxy",
        )
        .await;
    };
    let Some(place) = registries.allow(&request.host, request.port) else {
        let text = format!(
            "{}:{} is no package registry that is known here; the operator names others in \
             `registries` of his configuration",
            request.host, request.port
        );
        return refuse(&mut guest, "403 Forbidden", &text).await;
    };
    let address = match resolve(&request, place).await {
        Ok(address) => address,
        Err(text) => return refuse(&mut guest, "502 Bad Gateway", &text).await,
    };
    // The address that was looked at is the one that is called.
    let called = timeout(PATIENCE, TcpStream::connect(address)).await;
    let mut registry = match called {
        Ok(Ok(registry)) => registry,
        Ok(Err(error)) => {
            let text = format!("{}: {error}", request.host);
            return refuse(&mut guest, "502 Bad Gateway", &text).await;
        }
        Err(_) => return refuse(&mut guest, "504 Gateway Timeout", &request.host).await,
    };
    match &request.forwarded {
        None => {
            guest
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
        }
        Some(head) => registry.write_all(head).await?,
    }
    copy_bidirectional(&mut guest, &mut registry)
        .await
        .map(drop)
}

/// Reads up to the empty line and not a byte more than came with it.
async fn head(guest: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX || guest.read(&mut byte).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(byte[0]);
    }
    Ok(head)
}

async fn refuse(guest: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n{text}\n",
        text.len() + 1
    );
    guest.write_all(answer.as_bytes()).await?;
    guest.shutdown().await
}

/// Looks a host up; refuses what lies in this machine or its neighbourhood.
async fn resolve(request: &Request, place: Where) -> Result<SocketAddr, String> {
    let found = lookup_host((request.host.as_str(), request.port)).await;
    let found = found.map_err(|error| format!("{}: {error}", request.host))?;
    let mut fitting = found.filter(|address| place == Where::Anywhere || is_public(address.ip()));
    fitting
        .next()
        .ok_or_else(|| format!("{} has no public address", request.host))
}

/// Whether an address is out in the world, and not of this machine, its network or its cloud.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let shared = first == 100 && second & 0xc0 == 64;
            let reserved = first == 0 || first >= 240 || (first == 198 && second & 0xfe == 18);
            let near = ip.is_loopback() || ip.is_private() || ip.is_link_local();
            !(near || shared || reserved || ip.is_multicast() || ip.is_documentation())
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            let worldwide = first & 0xe000 == 0x2000;
            let translated = first == 0x2002 || (first == 0x2001 && second == 0);
            worldwide && !translated && !(first == 0x2001 && second == 0xdb8)
        }
    }
}

/// What a guest asks for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    host: String,
    port: u16,
    /// The head for the registry, where the guest speaks to it through the proxy.
    forwarded: Option<Vec<u8>>,
}

impl Request {
    fn parse(head: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        let (line, fields) = head.split_once("\r\n")?;
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        if method == "CONNECT" {
            let (host, port) = place_split(target)?;
            return Some(Self {
                host: host.to_owned(),
                port: port?,
                forwarded: None,
            });
        }
        let rest = target.strip_prefix("http://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(end);
        let (host, port) = place_split(place)?;
        // Whoever is named before the host is no part of it.
        if host.is_empty() || place.contains('@') {
            return None;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut forwarded = format!("{method} {slash}{path} HTTP/1.1\r\n");
        // One request for each connection, and its host is the one that was looked at.
        forwarded.extend(["Host: ", place, "\r\nConnection: close\r\n"]);
        for field in fields.split("\r\n").filter(|field| !field.is_empty()) {
            let name = field.split(':').next()?.trim().to_ascii_lowercase();
            let own = ["host", "connection", "keep-alive"].contains(&name.as_str());
            if !own && !name.starts_with("proxy-") {
                forwarded.push_str(field);
                forwarded.push_str("\r\n");
            }
        }
        forwarded.push_str("\r\n");
        Some(Self {
            host: host.to_owned(),
            port: port.unwrap_or(80),
            forwarded: Some(forwarded.into_bytes()),
        })
    }
}

#[cfg(test)]
mod tests;
