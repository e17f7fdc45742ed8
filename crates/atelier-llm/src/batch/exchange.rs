//! One exchange with a provider about its batches.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::Value;

use super::{BatchError, Batches, error::malformed};
use crate::{
    CallError, Wait,
    http::{accept, next_piece, send, within},
};

/// Bytes of what a provider says of a batch.
pub(super) const SAID_BYTES_MAX: usize = 16 << 20;

/// Bytes of the answers of one batch.
pub(super) const ANSWERS_BYTES_MAX: usize = 512 << 20;

/// The kind of a body in JSON.
pub(super) const JSON: &str = "application/json";

/// The parts of a path, and what stands behind its question mark.
pub(super) type Address<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

impl Batches {
    /// One exchange; the answer's bytes, of which there may be so many.
    pub(super) async fn exchange(
        &self,
        method: Method,
        (segments, query): Address<'_>,
        body: Option<(&str, Vec<u8>)>,
        most: usize,
    ) -> Result<Vec<u8>, BatchError> {
        let segments: Vec<String> = segments.iter().map(|&part| part.to_owned()).collect();
        let mut url = self.relayed.beside(&segments)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let headers = self.relayed.headers.with(self.key.as_deref())?;
        let mut request = self.relayed.client.request(method, url).headers(headers);
        if let Some((kind, body)) = body {
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        let limits = &self.limits;
        let exchange = async {
            let response = send(request, limits).await?;
            let mut response = accept(response, (limits, self.now), None).await?;
            let mut all = Vec::new();
            while let Some(piece) = next_piece(&mut response).await? {
                if all.len() + piece.len() > most {
                    return Err(CallError::TooLarge { limit: most });
                }
                all.extend_from_slice(&piece);
            }
            Ok(all)
        };
        let done = within(Wait::Total, limits.ask_total_ms_max, exchange).await;
        Ok(done.map_err(|error| self.told(error))?)
    }

    /// The same, of JSON.
    pub(super) async fn said(
        &self,
        method: Method,
        address: Address<'_>,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Value, BatchError> {
        let bytes = self.exchange(method, address, body, SAID_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|_| malformed("it is no JSON"))
    }

    /// The lines of answers at a place.
    pub(super) async fn lines(&self, segments: &[&str]) -> Result<Vec<Value>, BatchError> {
        let address = (segments, &[][..]);
        let bytes = self
            .exchange(Method::GET, address, None, ANSWERS_BYTES_MAX)
            .await?;
        let text = String::from_utf8(bytes).map_err(|_| malformed("its answers are no text"))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines = lines.map(|line| {
            serde_json::from_str(line).map_err(|_| malformed("a line of its answers is no JSON"))
        });
        lines.collect()
    }

    /// An error without the key, which providers like to quote.
    fn told(&self, error: CallError) -> CallError {
        match (error, &self.key) {
            (
                CallError::Status {
                    status,
                    said,
                    retry_after_ms,
                    no_access,
                },
                Some(key),
            ) => CallError::Status {
                status,
                said: key.wiped_from(&said),
                retry_after_ms,
                no_access,
            },
            (other, _) => other,
        }
    }
}

/// A text of an answer that must be there.
pub(super) fn named(value: &Value, key: &str) -> Result<String, BatchError> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| malformed(&format!("it has no `{key}`")))
}
