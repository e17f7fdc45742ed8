//! A node of IPFS, through the HTTP interface of Kubo: blocks go there, are held there, come back.
//!
//! Three addresses suffice: `dag/import`, `pin/add` and `dag/export`. Whatever a node says of what
//! it holds, what comes back is verified by whoever reads it.

use std::{io, time::Duration};

use atelier_archive::Cid;
use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response, header::CONTENT_TYPE};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::{
    GatewayError, Transport,
    config::{is_loopback, is_nobody},
    http::root_cause,
    wire,
};

/// Milliseconds a node may take for what it is asked: it may have to look for blocks elsewhere,
/// and looks for ever where nobody has them.
const ANSWER_MS_MAX: u64 = 120_000;

/// Milliseconds between two pieces of an archive.
const IDLE_MS_MAX: u64 = 60_000;

/// Bytes of what a node says.
const SAID_BYTES_MAX: usize = 1 << 20;

/// Bytes of an archive that is fetched.
const ARCHIVE_BYTES_MAX: u64 = 16 << 30;

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KuboError {
    /// The address is none of a node.
    #[error("use `{url}` as a node's address: {why}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] GatewayError),
    /// Nobody answered.
    #[error("reach the node at {node}: {said}")]
    Reach {
        /// Its address.
        node: String,
        /// What the system said.
        said: String,
    },
    /// It took too long.
    #[error("wait more than {} s for the node at {node}", .ms / 1000)]
    TimedOut {
        /// Its address.
        node: String,
        /// Milliseconds.
        ms: u64,
    },
    /// It said no.
    #[error("have the node at {node} {what}: {said}")]
    Refused {
        /// Its address.
        node: String,
        /// What it was asked.
        what: &'static str,
        /// Its words.
        said: String,
    },
    /// What it sends does not end.
    #[error("fetch an archive of more than {ARCHIVE_BYTES_MAX} bytes")]
    TooLarge,
    /// What it sends cannot be kept.
    #[error("keep what the node sends")]
    Keep(#[source] io::Error),
}

/// A node of IPFS.
#[derive(Debug, Clone)]
pub struct Kubo {
    base: Url,
    client: Client,
}

impl Kubo {
    /// The node at an address such as `http://127.0.0.1:5001`. Another machine must be spoken to
    /// encrypted: whoever can speak to a node can empty it.
    pub fn new(base: &Url, transport: &Transport) -> Result<Self, KuboError> {
        let wrong = |why| KuboError::Url {
            url: named(base),
            why,
        };
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(base) => {}
            "http" => return Err(wrong("another machine is spoken to with https")),
            _ => return Err(wrong("it is neither http nor https")),
        }
        if is_nobody(base) || base.cannot_be_a_base() {
            return Err(wrong("no node is there"));
        }
        Ok(Self {
            client: transport.client(base)?,
            base: base.clone(),
        })
    }

    /// Gives the node the blocks of a CAR file.
    pub async fn import(&self, car: &[u8], mark: &Cid) -> Result<(), KuboError> {
        self.send_car(car, mark, false).await.map(drop)
    }

    /// Gives the node the last blocks of an archive, and has it hold all of it from its root on.
    pub async fn import_and_pin(&self, car: &[u8], root: &Cid) -> Result<(), KuboError> {
        let said = self.send_car(car, root, true).await?;
        let roots = said.iter().filter_map(|line| line.get("Root"));
        let is_pinned = roots.clone().count() > 0
            && roots.clone().all(|root| {
                let error = root.get("PinErrorMsg").and_then(Value::as_str);
                error.unwrap_or_default().is_empty()
            });
        if is_pinned {
            return Ok(());
        }
        let why = roots
            .clone()
            .find_map(|root| root.get("PinErrorMsg")?.as_str());
        Err(self.refused(PIN, why.unwrap_or("it does not say that it does")))
    }

    /// Has the node hold everything from a root on, which it has or finds.
    pub async fn pin(&self, root: &Cid) -> Result<(), KuboError> {
        let request = self.post("api/v0/pin/add", &[("arg", &root.to_string())]);
        let said = self.said(request, PIN).await?;
        let is_pinned = said.iter().any(|line| line.get("Pins").is_some());
        if is_pinned {
            Ok(())
        } else {
            Err(self.refused(PIN, "it does not say that it does"))
        }
    }

    /// Fetches everything from a root on as a CAR file, piece by piece, and returns its bytes.
    pub async fn export(
        &self,
        root: &Cid,
        keep: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u64, KuboError> {
        let request = self.post("api/v0/dag/export", &[("arg", &root.to_string())]);
        let mut response = self.sent(request, EXPORT).await?;
        let mut bytes = 0;
        while let Some(piece) = self.piece(&mut response).await? {
            bytes += piece.len() as u64;
            if bytes > ARCHIVE_BYTES_MAX {
                return Err(KuboError::TooLarge);
            }
            keep(&piece).map_err(KuboError::Keep)?;
        }
        Ok(bytes)
    }

    async fn send_car(
        &self,
        car: &[u8],
        mark: &Cid,
        is_pinned: bool,
    ) -> Result<Vec<Value>, KuboError> {
        // No content holds its own name, so it never ends the part too early.
        let boundary = format!("atelier-{mark}");
        let pin = if is_pinned { "true" } else { "false" };
        let request = self
            .post("api/v0/dag/import", &[("pin-roots", pin)])
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={boundary}"),
            )
            .body(form(&boundary, car));
        self.said(request, IMPORT).await
    }

    fn post(&self, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        let before = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{before}/{path}"));
        url.query_pairs_mut().clear().extend_pairs(query);
        self.client.post(url)
    }

    /// Sends a request and passes on an answer of success.
    async fn sent(
        &self,
        request: RequestBuilder,
        what: &'static str,
    ) -> Result<Response, KuboError> {
        let sent = self.within(ANSWER_MS_MAX, request.send()).await?;
        let mut response = sent.map_err(|error| self.unreached(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.read(&mut response).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body).into_owned();
        let message = serde_json::from_str::<Value>(&text).ok();
        let message = message.and_then(|value| Some(value.get("Message")?.as_str()?.to_owned()));
        let said = wire::tidy(&message.unwrap_or(text));
        Err(self.refused(what, &format!("{status}: {said}")))
    }

    /// Sends a request and reads the JSON lines of its answer.
    async fn said(
        &self,
        request: RequestBuilder,
        what: &'static str,
    ) -> Result<Vec<Value>, KuboError> {
        let mut response = self.sent(request, what).await?;
        let body = self.read(&mut response).await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
        let lines = lines.map_err(|_| self.refused(what, "it answers in words of another kind"))?;
        // A node that has begun to answer tells what went wrong in its last line.
        let wrong = lines.iter().find_map(|line| line.get("Message")?.as_str());
        match wrong {
            Some(said) => Err(self.refused(what, &wire::tidy(said))),
            None => Ok(lines),
        }
    }

    async fn read(&self, response: &mut Response) -> Result<Vec<u8>, KuboError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(response).await? {
            let room = SAID_BYTES_MAX - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(body)
    }

    async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, KuboError> {
        let piece = self.within(IDLE_MS_MAX, response.chunk()).await?;
        piece.map_err(|error| self.unreached(&error))
    }

    async fn within<T>(&self, ms: u64, work: impl Future<Output = T>) -> Result<T, KuboError> {
        let done = timeout(Duration::from_millis(ms), work).await;
        done.map_err(|_| KuboError::TimedOut {
            node: named(&self.base),
            ms,
        })
    }

    fn unreached(&self, error: &reqwest::Error) -> KuboError {
        KuboError::Reach {
            node: named(&self.base),
            said: root_cause(error),
        }
    }

    fn refused(&self, what: &'static str, said: &str) -> KuboError {
        KuboError::Refused {
            node: named(&self.base),
            what,
            said: said.to_owned(),
        }
    }
}

/// What a node may be asked.
const IMPORT: &str = "take blocks";
const PIN: &str = "hold the archive";
const EXPORT: &str = "send the archive";

/// An address without a name and password in it.
fn named(url: &Url) -> String {
    let mut url = url.clone();
    // Only an address that has no place for them refuses this.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// A form with one file.
fn form(boundary: &str, car: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"archive.car\"\r\nContent-Type: application/vnd.ipld.car\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    [head.as_bytes(), car, tail.as_bytes()].concat()
}
