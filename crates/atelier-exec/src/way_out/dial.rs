//! Calls a host, straight or through the proxy that stands on the way.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1,
    header::{HOST, PROXY_AUTHORIZATION},
    upgrade::{self, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{
    WayOut, Why,
    address::NotFound,
    ledger::Ledger,
    metered::Metered,
    places::Standing,
    upstream::{Proxy, Way},
};

/// Time for a connection to come about.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a host, or to the proxy on the way to it.
pub(super) type Line = Metered<TcpStream>;

/// Whom one wants to reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) standing: Standing,
}

/// The far end of a tunnel.
pub(super) enum Far {
    /// The host.
    Host(Line),
    /// The proxy, which has called the host.
    Proxy(TokioIo<Upgraded>),
}

/// Why nobody answers.
#[derive(Debug)]
pub(super) enum DialError {
    /// It may not be called.
    Refused(Why),
    /// It cannot be called.
    Failed(io::Error),
    /// The proxy on the way to it does not want to.
    ByProxy(StatusCode),
    /// It took too long.
    Late,
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<hyper::Error> for DialError {
    fn from(error: hyper::Error) -> Self {
        Self::Failed(io::Error::other(error))
    }
}

/// A tunnel to a host.
pub(super) async fn tunnel(
    way_out: &WayOut,
    ledger: &Arc<Ledger>,
    target: Target<'_>,
) -> Result<Far, DialError> {
    let calling = async {
        match way_out.way(true, target.host, target.port) {
            Some(Way::Proxy(proxy)) => {
                let line = to_proxy(proxy, ledger).await?;
                through(proxy, line, target).await.map(Far::Proxy)
            }
            Some(Way::Unspoken) => Err(DialError::Refused(Why::Way)),
            None => straight(way_out, ledger, target).await.map(Far::Host),
        }
    };
    timeout(PATIENCE, calling)
        .await
        .unwrap_or(Err(DialError::Late))
}

/// A line for one request in HTTP, and the proxy if it ends there.
pub(super) async fn line<'a>(
    way_out: &'a WayOut,
    ledger: &Arc<Ledger>,
    target: Target<'_>,
) -> Result<(Line, Option<&'a Proxy>), DialError> {
    let calling = async {
        match way_out.way(false, target.host, target.port) {
            Some(Way::Proxy(proxy)) => Ok((to_proxy(proxy, ledger).await?, Some(proxy))),
            Some(Way::Unspoken) => Err(DialError::Refused(Why::Way)),
            None => Ok((straight(way_out, ledger, target).await?, None)),
        }
    };
    timeout(PATIENCE, calling)
        .await
        .unwrap_or(Err(DialError::Late))
}

/// Calls one of the addresses that were judged; the name is not looked up again.
async fn straight(
    way_out: &WayOut,
    ledger: &Arc<Ledger>,
    target: Target<'_>,
) -> Result<Line, DialError> {
    let Target {
        host,
        port,
        standing,
    } = target;
    let found = way_out.lookup.find(host, port, standing).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| match error {
        NotFound::Refused(why) => DialError::Refused(why),
        NotFound::Unknown(error) => DialError::Failed(error),
    })?;
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    ledger.connected();
    Ok(Metered::new(stream, ledger.clone()))
}

async fn to_proxy(proxy: &Proxy, ledger: &Arc<Ledger>) -> Result<Line, DialError> {
    let stream = TcpStream::connect((proxy.host.as_str(), proxy.port)).await?;
    ledger.connected();
    Ok(Metered::new(stream, ledger.clone()))
}

/// Asks a proxy to call a host.
async fn through(
    proxy: &Proxy,
    line: Line,
    target: Target<'_>,
) -> Result<TokioIo<Upgraded>, DialError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await?;
    let host = if target.host.contains(':') {
        format!("[{}]", target.host)
    } else {
        target.host.to_owned()
    };
    let place = format!("{host}:{}", target.port);
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&place)
        .header(HOST, &place);
    if let Some(shown) = &proxy.authorization {
        request = request.header(PROXY_AUTHORIZATION, shown);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let asking = async move {
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(DialError::ByProxy(answer.status()));
        }
        Ok(upgrade::on(answer).await?)
    };
    let (_, upgraded) = tokio::join!(connection.with_upgrades(), asking);
    upgraded.map(TokioIo::new)
}
