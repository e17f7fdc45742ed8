//! Answers what a command asks at its door.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    ext::ReasonPhrase,
    header::{self, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
    upgrade::{self, OnUpgrade},
};
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, task::JoinSet};

use super::{
    Ledger, WayOut,
    dial::{self, DialError, Far, Target},
    places::plain,
    upstream::Proxy,
};

/// What is answered: a few words, or what the registry says.
pub(super) type Answer = Response<Either<Full<Bytes>, Incoming>>;

/// The port of a host that is asked without encryption and names none.
const PLAIN_PORT: u16 = 80;

/// Fields that concern one connection, not what is said on it.
const OF_CONNECTION: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One connection at the door.
pub(super) struct Guest {
    way_out: Arc<WayOut>,
    ledger: Arc<Ledger>,
    /// The two ends of a tunnel, once one is promised.
    tunnel: Mutex<Option<(OnUpgrade, Far)>>,
    /// Lines to registries; they end with the guest.
    lines: Mutex<JoinSet<()>>,
}

impl Guest {
    pub(super) fn new(way_out: Arc<WayOut>, ledger: Arc<Ledger>) -> Self {
        Self {
            way_out,
            ledger,
            tunnel: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.method() == Method::CONNECT {
            return self.connect(request).await;
        }
        if request.uri().scheme_str() != Some("http") {
            return said(
                StatusCode::BAD_REQUEST,
                "this is a proxy: ask for http://HOST/..., or for a tunnel",
            );
        }
        self.forward(request).await
    }

    /// Joins the two ends of a tunnel, if one was promised.
    pub(super) async fn join(&self) {
        let tunnel = self
            .tunnel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((near, far)) = tunnel else { return };
        let Ok(near) = near.await else { return };
        let mut near = TokioIo::new(near);
        // Whoever ends it ends it for both.
        let _ = match far {
            Far::Host(mut far) => copy_bidirectional(&mut near, &mut far).await,
            Far::Proxy(mut far) => copy_bidirectional(&mut near, &mut far).await,
        };
    }

    async fn connect(&self, request: Request<Incoming>) -> Answer {
        let Some((host, Some(port))) = place(request.uri()) else {
            return said(StatusCode::BAD_REQUEST, "name a host and a port");
        };
        let standing = match self.way_out.judge(&host, port) {
            Ok(standing) => standing,
            Err(why) => return self.refuse(&host, port, DialError::Refused(why)),
        };
        let target = Target {
            host: &host,
            port,
            standing,
        };
        match dial::tunnel(&self.way_out, &self.ledger, target).await {
            Ok(far) => {
                let mut tunnel = self.tunnel.lock().unwrap_or_else(PoisonError::into_inner);
                *tunnel = Some((upgrade::on(request), far));
                Response::new(Either::Left(Full::default()))
            }
            Err(error) => self.refuse(&host, port, error),
        }
    }

    async fn forward(&self, request: Request<Incoming>) -> Answer {
        let Some((host, port)) = place(request.uri()) else {
            return said(StatusCode::BAD_REQUEST, "name a host");
        };
        let port = port.unwrap_or(PLAIN_PORT);
        let asked = match self.way_out.judge(&host, port) {
            Ok(standing) => {
                let target = Target {
                    host: &host,
                    port,
                    standing,
                };
                self.ask(request, target).await
            }
            Err(why) => Err(DialError::Refused(why)),
        };
        asked.unwrap_or_else(|error| self.refuse(&host, port, error))
    }

    /// One request, one line: what follows may be for somebody else.
    async fn ask(
        &self,
        request: Request<Incoming>,
        target: Target<'_>,
    ) -> Result<Answer, DialError> {
        let (line, proxy) = dial::line(&self.way_out, &self.ledger, target).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await?;
        let talk = async move {
            // The answer breaks off where the line does.
            let _ = connection.await;
        };
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(talk);
        let mut answer = sender.send_request(handed_on(request, proxy)).await?;
        clean(answer.headers_mut());
        Ok(answer.map(Either::Right))
    }

    /// Says why nobody answers; notes it where it is forbidden.
    fn refuse(&self, host: &str, port: u16, error: DialError) -> Answer {
        match error {
            DialError::Refused(why) => {
                let refusal = self.ledger.refused(host, port, why);
                let text = format!("{refusal}; {}", refusal.remedy());
                said(StatusCode::FORBIDDEN, &text)
            }
            DialError::Failed(error) => said(
                StatusCode::BAD_GATEWAY,
                &format!("reach {host}:{port}: {error}"),
            ),
            DialError::ByProxy(status) => said(
                StatusCode::BAD_GATEWAY,
                &format!("reach {host}:{port}: your proxy answers {status}"),
            ),
            DialError::Late => said(
                StatusCode::GATEWAY_TIMEOUT,
                &format!("reach {host}:{port}: it does not answer"),
            ),
        }
    }
}

/// The host that is asked for, as it is compared, and the port if one is named.
fn place(uri: &Uri) -> Option<(String, Option<u16>)> {
    let authority = uri.authority()?;
    let host = plain(authority.host());
    (!host.is_empty()).then(|| (host, authority.port_u16()))
}

/// The request as the registry, or the proxy before it, is to see it.
fn handed_on(mut request: Request<Incoming>, proxy: Option<&Proxy>) -> Request<Incoming> {
    clean(request.headers_mut());
    // Whom the request is for is what was judged, whatever else it says.
    let host = request
        .uri()
        .authority()
        .map_or("", |authority| authority.as_str());
    let host = host.rsplit('@').next().unwrap_or_default();
    if let Ok(host) = HeaderValue::from_str(host) {
        request.headers_mut().insert(header::HOST, host);
    }
    let Some(proxy) = proxy else {
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        return request;
    };
    let shown = proxy.authorization.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(shown)) = shown {
        request
            .headers_mut()
            .insert(header::PROXY_AUTHORIZATION, shown);
    }
    request
}

/// Takes out what concerns one connection alone.
fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_CONNECTION {
        headers.remove(name);
    }
}

/// A few words, in the line that tools show and in the body.
fn said(status: StatusCode, text: &str) -> Answer {
    let body = Full::new(Bytes::from(format!("{text}\n")));
    let mut answer = Response::new(Either::Left(body));
    *answer.status_mut() = status;
    if let Ok(reason) = ReasonPhrase::try_from(text.to_owned()) {
        answer.extensions_mut().insert(reason);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(header::CONNECTION, close);
    answer
}
