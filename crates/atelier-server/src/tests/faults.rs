//! What goes wrong at a provider, and what every client is told of it.
//!
//! Fourteen faults, at providers of four dialects, before clients of five, whole and streamed:
//! half an answer is never a whole one, is never kept, and no text is said twice.

use std::time::Duration;

use atelier_llm::Dialect;
use atelier_model::Limits;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use super::world::{ALL, CLIENTS, Got, KEY, Said, World, document, ends, events, refusal, text_of};

/// Milliseconds that a provider may be silent before clients who wait for a stall are told.
const SILENCE_MS: u64 = 300;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The body ends in good order, half-way.
    EndedEarly,
    /// The connection breaks half-way.
    Cut,
    /// Fewer bytes come than the head promised.
    TooShort,
    /// The head promises fewer bytes than the answer has.
    CutByItsLength,
    /// All of the text, and nothing that says that it is all.
    Unfinished,
    /// An error in its dialect, half-way; in place of a whole answer.
    Reported,
    /// Status 200 with a body that is an error.
    ErrorAsAnswer,
    /// Status 200 with a page for people.
    Page,
    /// Half-way something that is not JSON.
    Garbled,
    /// Half an answer, and then nothing more.
    Stalled,
    /// The connection closes without a word.
    Slammed,
    /// A refusal: no key.
    Unauthorized,
    /// A refusal: too many requests, with a wait.
    RateLimited,
    /// A refusal: overloaded, with a wait.
    Unavailable,
    /// A refusal: something broke.
    Failed,
}

const FAULTS: [Fault; 15] = [
    Fault::EndedEarly,
    Fault::Cut,
    Fault::TooShort,
    Fault::CutByItsLength,
    Fault::Unfinished,
    Fault::Reported,
    Fault::ErrorAsAnswer,
    Fault::Page,
    Fault::Garbled,
    Fault::Stalled,
    Fault::Slammed,
    Fault::Unauthorized,
    Fault::RateLimited,
    Fault::Unavailable,
    Fault::Failed,
];

impl Fault {
    /// The status of a refusal, where the provider refuses.
    fn refused(self) -> Option<u16> {
        match self {
            Self::Unauthorized => Some(401),
            Self::RateLimited => Some(429),
            Self::Unavailable => Some(503),
            Self::Failed => Some(500),
            Self::EndedEarly
            | Self::Cut
            | Self::TooShort
            | Self::CutByItsLength
            | Self::Unfinished
            | Self::Reported
            | Self::ErrorAsAnswer
            | Self::Page
            | Self::Garbled
            | Self::Stalled
            | Self::Slammed => None,
        }
    }

    fn has_wait(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }

    /// The status of the answer to a client who wants it whole.
    fn whole_status(self) -> u16 {
        match self {
            Self::Reported | Self::ErrorAsAnswer => 529,
            Self::Stalled => 504,
            Self::EndedEarly
            | Self::Cut
            | Self::TooShort
            | Self::CutByItsLength
            | Self::Unfinished
            | Self::Page
            | Self::Garbled
            | Self::Slammed
            | Self::Unauthorized
            | Self::RateLimited
            | Self::Unavailable
            | Self::Failed => self.refused().unwrap_or(502),
        }
    }

    /// The text that clients of a stream have before it breaks off.
    fn said_before(self) -> bool {
        match self {
            Self::EndedEarly
            | Self::Cut
            | Self::TooShort
            | Self::CutByItsLength
            | Self::Unfinished
            | Self::Reported
            | Self::Garbled
            | Self::Stalled => true,
            Self::ErrorAsAnswer
            | Self::Page
            | Self::Slammed
            | Self::Unauthorized
            | Self::RateLimited
            | Self::Unavailable
            | Self::Failed => false,
        }
    }
}

/// Plays a fault to its end; the connection closes with it.
pub(super) async fn play(mut stream: TcpStream, dialect: Dialect, streamed: bool, fault: Fault) {
    let response = response(dialect, streamed, fault);
    // A gateway that has heard enough may have closed already.
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.flush().await;
    if fault == Fault::Stalled {
        // Until the other side gives up.
        sleep(Duration::from_hours(1)).await;
    }
    if fault == Fault::Cut {
        // What was sent has to arrive: a reset would take it along.
        sleep(Duration::from_millis(20)).await;
        let _ = stream.set_zero_linger();
    }
}

fn response(dialect: Dialect, streamed: bool, fault: Fault) -> String {
    if fault == Fault::Slammed {
        return String::new();
    }
    if let Some(status) = fault.refused() {
        let wait = if fault.has_wait() {
            "retry-after: 7\r\n"
        } else {
            ""
        };
        let body = json!({"error": {"message": format!("not now {KEY}"), "code": status}});
        return format!("HTTP/1.1 {status} Refused\r\n{wait}connection: close\r\n\r\n{body}");
    }
    let body = body(dialect, streamed, fault);
    let length = match fault {
        Fault::TooShort => format!("content-length: {}\r\n", body.len() + 1_000),
        Fault::CutByItsLength => format!("content-length: {}\r\n", body.len() / 3 * 2),
        // An orderly end and a break are told apart only where an end was announced.
        Fault::Cut | Fault::Stalled => "content-length: 1000000\r\n".to_owned(),
        Fault::EndedEarly
        | Fault::Unfinished
        | Fault::Reported
        | Fault::ErrorAsAnswer
        | Fault::Page
        | Fault::Garbled
        | Fault::Slammed
        | Fault::Unauthorized
        | Fault::RateLimited
        | Fault::Unavailable
        | Fault::Failed => String::new(),
    };
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{length}\r\n{body}")
}

fn body(dialect: Dialect, streamed: bool, fault: Fault) -> String {
    match fault {
        Fault::ErrorAsAnswer => return error(dialect).to_string(),
        Fault::Page => return "<html><body>Bad gateway</body></html>".to_owned(),
        Fault::EndedEarly
        | Fault::Cut
        | Fault::TooShort
        | Fault::CutByItsLength
        | Fault::Unfinished
        | Fault::Reported
        | Fault::Garbled
        | Fault::Stalled
        | Fault::Slammed
        | Fault::Unauthorized
        | Fault::RateLimited
        | Fault::Unavailable
        | Fault::Failed => {}
    }
    if !streamed {
        return whole(dialect, fault);
    }
    let events = events(dialect);
    let last_text = events
        .iter()
        .rposition(|event| event.contains("lo\""))
        .unwrap();
    let half = events[..=first_text(&events)].concat();
    match fault {
        Fault::CutByItsLength => events.concat(),
        Fault::Unfinished => unfinished(&events[..=last_text]),
        Fault::Reported => half + &error_event(dialect),
        Fault::Garbled => half + "data: {\"half\": \n\n" + &events[last_text..].concat(),
        Fault::EndedEarly
        | Fault::Cut
        | Fault::TooShort
        | Fault::ErrorAsAnswer
        | Fault::Page
        | Fault::Stalled
        | Fault::Slammed
        | Fault::Unauthorized
        | Fault::RateLimited
        | Fault::Unavailable
        | Fault::Failed => half,
    }
}

/// The place of the first event with text.
fn first_text(events: &[String]) -> usize {
    let is_text = |event: &String| event.contains("\"Hel\"") || event.contains("\"H\"");
    events.iter().position(is_text).unwrap()
}

/// Gemini ends in the event with the last text: there the end is taken out.
fn unfinished(events: &[String]) -> String {
    events
        .concat()
        .replace(",\"finishReason\":\"STOP\"", "")
        .replace("\"finishReason\":\"STOP\",", "")
}

fn whole(dialect: Dialect, fault: Fault) -> String {
    let all = document(dialect);
    match fault {
        Fault::CutByItsLength => all,
        Fault::Unfinished => {
            let ends = [
                ("\"finish_reason\":\"stop\"", "\"finish_reason\":null"),
                ("\"status\":\"completed\"", "\"status\":\"in_progress\""),
                ("\"stop_reason\":\"end_turn\"", "\"stop_reason\":null"),
                ("\"finishReason\":\"STOP\"", "\"index\":0"),
            ];
            ends.iter()
                .fold(all, |all, (end, none)| all.replace(end, none))
        }
        Fault::Reported => error(dialect).to_string(),
        Fault::Garbled => all.replace("Hello\"", "Hello"),
        Fault::EndedEarly
        | Fault::Cut
        | Fault::TooShort
        | Fault::ErrorAsAnswer
        | Fault::Page
        | Fault::Stalled
        | Fault::Slammed
        | Fault::Unauthorized
        | Fault::RateLimited
        | Fault::Unavailable
        | Fault::Failed => all[..all.len() / 2].to_owned(),
    }
}

/// An error in the words of a dialect, which means the status 529 in each.
fn error(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Gemini => {
            json!({"error": {"code": 529, "message": "too busy", "status": "UNAVAILABLE"}})
        }
        Dialect::Messages => {
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}})
        }
        Dialect::Chat | Dialect::Completions | Dialect::Responses => {
            json!({"error": {"message": "too busy", "type": "overloaded_error", "code": 529}})
        }
    }
}

fn error_event(dialect: Dialect) -> String {
    let error = error(dialect);
    match dialect {
        Dialect::Messages => format!("event: error\ndata: {error}\n\n"),
        Dialect::Responses => {
            let response = json!({"id": "r", "status": "failed", "error": error["error"]});
            let event = json!({"type": "response.failed", "response": response});
            format!("event: response.failed\ndata: {event}\n\n")
        }
        Dialect::Chat | Dialect::Completions | Dialect::Gemini => format!("data: {error}\n\n"),
    }
}

fn limits(fault: Fault) -> Limits {
    let mut limits = Limits {
        ask_tries_max: 1,
        ask_failures_max: u32::MAX,
        ..Limits::default()
    };
    if fault == Fault::Stalled {
        limits.first_byte_ms_max = SILENCE_MS;
        limits.ask_idle_ms_max = SILENCE_MS;
    }
    limits
}

async fn matrix(streamed: bool) {
    for upstream in ALL {
        for fault in FAULTS {
            if fault.has_wait() {
                waits(upstream, fault, streamed).await;
                continue;
            }
            let world = World::limited(upstream, limits(fault)).await;
            world.says(Said::Fault(fault));
            let asks = CLIENTS.map(|client| world.ask(client, streamed));
            for (client, got) in CLIENTS.into_iter().zip(join_all(asks).await) {
                let place = format!("{client:?} before {upstream:?}, {fault:?}: {got:?}");
                check(client, fault, streamed, (&got, &place));
            }
            world.says(Said::All);
            let asks = CLIENTS.map(|client| world.ask(client, streamed));
            for (client, got) in CLIENTS.into_iter().zip(join_all(asks).await) {
                let place = format!("{client:?} before {upstream:?}, after {fault:?}: {got:?}");
                assert_eq!(got.status, 200, "{place}");
                assert_eq!(text_of(client, streamed, &got.body), "Hello", "{place}");
            }
        }
    }
}

/// A provider that named a wait is not asked before it is over, so every client has its own.
async fn waits(upstream: Dialect, fault: Fault, streamed: bool) {
    for client in CLIENTS {
        let world = World::limited(upstream, limits(fault)).await;
        world.says(Said::Fault(fault));
        let got = world.ask(client, streamed).await;
        let place = format!("{client:?} before {upstream:?}, {fault:?}: {got:?}");
        check(client, fault, streamed, (&got, &place));
        let sent = world.count();
        let again = world.ask(client, streamed).await;
        let place = format!("{client:?} before {upstream:?}, again {fault:?}: {again:?}");
        assert_eq!((sent, world.count()), (1, 1), "{place}");
        assert_eq!(again.status, fault.whole_status(), "{place}");
        // Those who come back are scattered a little, so that they do not all come at once.
        let wait: u64 = again.header("retry-after").unwrap().parse().unwrap();
        assert!((7..=8).contains(&wait), "{place}");
    }
}

fn check(client: Dialect, fault: Fault, streamed: bool, (got, place): (&Got, &str)) {
    assert!(!got.body.contains(KEY), "{place}");
    if fault.has_wait() {
        assert_eq!(got.header("retry-after"), Some("7"), "{place}");
    }
    if !streamed || fault.refused().is_some() {
        assert_eq!(got.status, fault.whole_status(), "{place}");
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert!(refusal(client, &body), "{place}");
        return;
    }
    if got.status != 200 {
        assert_eq!(got.status, fault.whole_status(), "{place}");
        assert!(!fault.said_before(), "{place}");
        return;
    }
    assert!(!ends(client, &got.body), "{place}");
    assert!(says_error(client, &got.body), "{place}");
    let text = text_of(client, true, &got.body);
    assert!("Hello".starts_with(&text), "{place}");
    assert_eq!(!text.is_empty(), fault.said_before(), "{place}");
}

/// Whether the last that a stream says is an error, as the client's dialect has it.
fn says_error(client: Dialect, stream: &str) -> bool {
    let mut data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let last = data
        .next_back()
        .and_then(|data| serde_json::from_str::<Value>(data).ok());
    let Some(last) = last else {
        return false;
    };
    let kind = last["type"].as_str();
    match client {
        Dialect::Messages => kind == Some("error") && refusal(client, &last),
        Dialect::Responses => matches!(kind, Some("error" | "response.failed")),
        Dialect::Chat | Dialect::Completions | Dialect::Gemini => refusal(client, &last),
    }
}

#[tokio::test]
async fn no_fault_makes_half_an_answer_a_whole_one() {
    matrix(false).await;
}

#[tokio::test]
async fn no_fault_makes_half_a_stream_a_whole_one() {
    matrix(true).await;
}

#[tokio::test]
async fn no_text_is_said_twice_when_a_request_is_sent_again() {
    for upstream in ALL {
        for fault in FAULTS.into_iter().filter(|fault| !fault.has_wait()) {
            join_all(CLIENTS.map(|client| again(client, upstream, fault))).await;
        }
    }
}

/// One fault, and then all goes well: the answer is whole, or broken off and nothing else.
async fn again(client: Dialect, upstream: Dialect, fault: Fault) {
    let limits = Limits {
        ask_tries_max: 2,
        ..limits(fault)
    };
    let world = World::limited(upstream, limits).await;
    for streamed in [false, true] {
        world.says_once(fault);
        let got = world.ask(client, streamed).await;
        let place = format!("{client:?} before {upstream:?}, {fault:?}: {got:?}");
        world.forget(client);
        if got.status != 200 || streamed && !ends(client, &got.body) {
            check(client, fault, streamed, (&got, &place));
        } else {
            assert_eq!(text_of(client, streamed, &got.body), "Hello", "{place}");
        }
    }
}
