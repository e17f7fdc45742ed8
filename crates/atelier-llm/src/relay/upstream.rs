//! Sending a request to its provider, up to the first byte of the answer.

use std::time::Duration;

use atelier_model::{Limits, Timestamp};
use bytes::Bytes;
use reqwest::{
    Method, Request, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use tokio::time::timeout;

use crate::{
    CallError, Secret, Wait,
    http::{error_body, retry_after},
    layers::Permit,
    relay::{Refusal, prepare::Prepared, source::Source, transit::Opened},
    wire,
};

/// What is said of a provider that names another address.
const REDIRECTED: &str = "a redirect, which is not followed: `base_url` has to be where it leads";

/// Beginnings of the headers of a provider that clients act on.
const PASSED_HEADERS: [&str; 5] = [
    "retry-after",
    "x-ratelimit-",
    "anthropic-ratelimit-",
    "x-request-id",
    "request-id",
];

/// Sends a request, and waits until there is something to pass on: all of a whole answer, the
/// first event of a streamed one. What fails until then may be sent again.
pub(crate) async fn open(
    prepared: &Prepared,
    own_key: Option<&Secret>,
    limits: &Limits,
    now: Timestamp,
    permit: Option<&Permit>,
) -> Result<Opened, Refusal> {
    let relayed = &prepared.relayed;
    let key = own_key.or(relayed.route.usable_key());
    if relayed.needs_key && key.is_none() {
        return Err(CallError::KeyMissing.into());
    }
    let mut headers = relayed.headers.with(own_key)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &prepared.headers {
        let name = HeaderName::try_from(name.as_str());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
            headers.insert(name, value);
        }
    }
    let mut request = Request::new(Method::POST, prepared.url.clone());
    *request.headers_mut() = headers;
    *request.body_mut() = Some(prepared.body.clone().into());
    let limit_ms = limits.first_byte_ms_max;
    let sending = relayed.client.execute(request);
    let sent = timeout(Duration::from_millis(limit_ms), sending).await;
    let which = Wait::FirstByte;
    let sent = sent.map_err(|_| CallError::TimedOut { which, limit_ms })?;
    let response = sent.map_err(|error| failed(&error, prepared, limits))?;
    let headers = passed(response.headers());
    if let Some(permit) = permit {
        permit.heard(response.headers());
    }
    if !response.status().is_success() {
        let told = (limits, now);
        return Err(refused(response, headers, (prepared, key), told, permit).await);
    }
    let source = Source::live(response, prepared.relayed.dialect);
    let source = if prepared.stream {
        source.begun(limits).await
    } else {
        source.read(prepared.demand, limits).await
    };
    // Providers quote keys in their errors, also in those that come with a status of success.
    let source = source.map_err(|error| error.wiped(key))?;
    Ok(Opened { headers, source })
}

fn failed(error: &reqwest::Error, prepared: &Prepared, limits: &Limits) -> CallError {
    let cause = format!(
        "{}: {}",
        prepared.url.authority(),
        crate::http::root_cause(error)
    );
    if !error.is_connect() && !error.is_builder() {
        return CallError::Broken { said: cause };
    }
    if error.is_timeout() {
        return CallError::TimedOut {
            which: Wait::Connect,
            limit_ms: limits.connect_ms_max,
        };
    }
    CallError::Connect { said: cause }
}

fn passed(headers: &HeaderMap) -> Vec<(String, String)> {
    let passed = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        let is_passed = PASSED_HEADERS.iter().any(|start| name.starts_with(start));
        let value = value.to_str().ok().filter(|_| is_passed)?;
        Some((name.to_owned(), value.to_owned()))
    });
    passed.collect()
}

/// A refusal of the provider: its status, its words, and its body where the client speaks its
/// dialect; never its quotation of the key.
async fn refused(
    mut response: Response,
    mut headers: Vec<(String, String)>,
    (prepared, key): (&Prepared, Option<&Secret>),
    (limits, now): (&Limits, Timestamp),
    permit: Option<&Permit>,
) -> Refusal {
    let status = response.status();
    let in_headers = retry_after::millis(response.headers(), now);
    if !retry_after::is_readable(response.headers(), now) {
        headers.retain(|(name, _)| name != RETRY_AFTER.as_str());
    }
    let body = error_body(&mut response, limits).await;
    let text = String::from_utf8_lossy(&body);
    let text = key.map_or_else(|| text.to_string(), |key| key.wiped_from(&text));
    let value = wire::error_document(text.as_bytes());
    let words = wire::said(&value).unwrap_or_else(|| wire::tidy(&text));
    let reason = status.canonical_reason().unwrap_or("no reason");
    let words = if status.is_redirection() {
        REDIRECTED
    } else if value.is_null() && words.is_empty() || words == "null" {
        reason
    } else {
        &words
    };
    let provider = prepared.relayed.route.name();
    let said = format!("{provider} says: {words}");
    let is_kept = prepared.is_same() && value.get("error").is_some();
    let retry_after_ms = in_headers.or_else(|| retry_after::in_body(&value));
    if let Some(permit) = permit {
        permit.refused(&value, retry_after_ms);
    }
    let error = CallError::Status {
        status: status.as_u16(),
        said: said.clone(),
        retry_after_ms,
        no_access: wire::denies_access(&value),
    };
    let refused = Refusal::from(error);
    let refusal = Refusal {
        // A redirect would carry the key to a place nobody configured, and no client follows it
        // here.
        status: if status.is_redirection() {
            502
        } else {
            refused.status
        },
        said,
        headers,
        body: is_kept.then(|| Bytes::from(text)),
        ..refused
    };
    match retry_after_ms {
        Some(wait_ms) if !refusal.says_wait() => refusal.with_wait(wait_ms),
        Some(_) | None => refusal,
    }
}
