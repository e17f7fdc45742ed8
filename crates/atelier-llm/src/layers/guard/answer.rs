//! Values are put back into an answer on its way to the client, in the client's dialect: whole, or
//! event by event, wherever a placeholder was cut.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use atelier_guard::{Restorer, Vault};
use serde_json::Value;

use crate::{
    layers::guard::{
        lanes::{self, Place},
        question, strings,
    },
    relay::Dialect,
};

/// Events that wait at most for one whose text is not certain.
const WAITING_MAX: usize = 256;

/// Bytes that are collected at most for one event or one whole answer; beyond, they go through as
/// they are.
const PENDING_BYTES_MAX: usize = 128 << 20;

/// Bytes of the longest end of an event.
const BLANK_BYTES_MAX: usize = 4;

/// How an answer to a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The client's dialect.
    pub(crate) dialect: Dialect,
    /// Whether it comes as events.
    pub(crate) stream: bool,
    /// Whether its text is JSON.
    pub(crate) is_json: bool,
}

/// An answer on its way. What is certain goes on at once.
pub(crate) struct Answer {
    vault: Arc<Vault>,
    manner: Manner,
    pending: Vec<u8>,
    /// Bytes of those in which no event ends.
    searched: usize,
    lanes: BTreeMap<String, Restorer<Arc<Vault>>>,
    waiting: VecDeque<Event>,
}

/// One event, with the texts of it that may still grow.
struct Event {
    /// Its lines but for its data.
    lines: String,
    data: String,
    /// What ends it.
    blank: &'static str,
    open: Vec<Place>,
}

impl Answer {
    /// An answer of which nothing has come.
    pub(crate) fn new(vault: Arc<Vault>, manner: Manner) -> Self {
        Self {
            vault,
            manner,
            pending: Vec::new(),
            searched: 0,
            lanes: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Takes the next bytes and gives those that are certain.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() > PENDING_BYTES_MAX {
            return std::mem::take(&mut self.pending);
        }
        let mut said = Vec::new();
        if self.manner.stream {
            while let Some(end) = event_end(&self.pending, self.searched) {
                let event: Vec<u8> = self.pending.drain(..end).collect();
                self.searched = 0;
                said.extend(self.event(&event));
            }
            self.searched = self.pending.len().saturating_sub(BLANK_BYTES_MAX);
        }
        said
    }

    /// Gives what is left; the answer is over.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.pending);
        if !self.manner.stream {
            return self.document(rest);
        }
        let mut said = if rest.is_empty() {
            Vec::new()
        } else {
            self.event(&rest)
        };
        self.close("");
        said.extend(self.certain());
        said
    }

    fn document(&self, bytes: Vec<u8>) -> Vec<u8> {
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let restored = self.restored(text, &[]);
        restored.map_or(bytes, String::into_bytes)
    }

    /// Takes one event with the blank line behind it.
    fn event(&mut self, bytes: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes);
        let (lines, data) = parted(&text);
        let Ok(value) = serde_json::from_str::<Value>(&data) else {
            // Such as the word behind the last event of a dialect.
            if !data.is_empty() {
                self.close("");
            }
            self.waiting.push_back(Event {
                lines: text.into_owned(),
                data: String::new(),
                blank: "",
                open: Vec::new(),
            });
            return self.certain();
        };
        let dialect = self.manner.dialect;
        let mut open = Vec::new();
        let mut changes = Vec::new();
        for place in lanes::places(dialect, &value, self.manner.is_json) {
            let Some(piece) = value.pointer(&place.pointer).and_then(Value::as_str) else {
                continue;
            };
            self.release(&place.lane);
            let lane = self.lanes.entry(place.lane.clone());
            let lane = lane.or_insert_with(|| Restorer::new(Arc::clone(&self.vault), place.form));
            let certain = lane.push(piece);
            let is_open = lane.is_holding();
            changes.push((place.pointer.clone(), certain));
            if is_open {
                open.push(place);
            }
        }
        let restored = self.restored(&data, &changes);
        self.waiting.push_back(Event {
            lines,
            data: restored.unwrap_or(data),
            blank: blank(&text),
            open,
        });
        for lane in lanes::ends(dialect, &value) {
            self.close(&lane);
        }
        if self.waiting.len() > WAITING_MAX {
            self.close("");
        }
        self.certain()
    }

    /// What waits for the next piece of a lane has it now.
    fn release(&mut self, lane: &str) {
        for event in &mut self.waiting {
            event.open.retain(|place| place.lane != lane);
        }
    }

    /// The lanes that begin like this are over: what was held back is text.
    fn close(&mut self, start: &str) {
        let over: Vec<String> = self
            .lanes
            .keys()
            .filter(|lane| lane.starts_with(start))
            .cloned()
            .collect();
        for lane in over {
            let Some(restorer) = self.lanes.remove(&lane) else {
                continue;
            };
            let rest = restorer.finish();
            let waits = |event: &&mut Event| event.open.iter().any(|place| place.lane == lane);
            if let Some(event) = self.waiting.iter_mut().find(waits) {
                event.grow(&lane, &rest);
            }
        }
    }

    /// The events in front that wait for nothing.
    fn certain(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        while self
            .waiting
            .front()
            .is_some_and(|event| event.open.is_empty())
        {
            if let Some(event) = self.waiting.pop_front() {
                said.extend(event.written().into_bytes());
            }
        }
        said
    }

    /// A document with these texts at these places, and values in all others.
    fn restored(&self, json: &str, places: &[(String, String)]) -> Option<String> {
        let sealed = question::sealed(json).unwrap_or_default();
        let restored = strings::rewrite(json, |found| {
            if !places.is_empty() {
                let pointer = found.pointer();
                if let Some((_, text)) = places.iter().find(|(place, _)| *place == pointer) {
                    return (*text != found.text()).then(|| text.clone());
                }
            }
            let text = found.text();
            let is_thought = found.name() == "thinking"
                && (self.manner.stream || sealed.contains(&found.object));
            if is_thought || !text.contains('[') {
                return None;
            }
            let form = lanes::form(found.name(), self.manner.is_json);
            let mut pieces = self.vault.restorer(form);
            let restored = pieces.push(&text) + &pieces.finish();
            (restored != text).then_some(restored)
        });
        restored.ok().flatten()
    }
}

impl Event {
    /// Adds to the text of a lane, which is whole then.
    fn grow(&mut self, lane: &str, rest: &str) {
        let own = self.open.iter().find(|place| place.lane == lane);
        let Some(pointer) = own.map(|place| place.pointer.clone()) else {
            return;
        };
        let grown = strings::rewrite(&self.data, |found| {
            (found.pointer() == pointer).then(|| format!("{}{rest}", found.text()))
        });
        if let Ok(Some(data)) = grown {
            self.data = data;
        }
        self.open.retain(|place| place.lane != lane);
    }

    fn written(self) -> String {
        let mut written = self.lines;
        if !self.data.is_empty() {
            for line in self.data.lines() {
                written.push_str("data: ");
                written.push_str(line);
                written.push('\n');
            }
        }
        written.push_str(self.blank);
        written
    }
}

/// The lines of an event that are no data, and its data.
fn parted(event: &str) -> (String, String) {
    let mut lines = String::new();
    let mut data: Vec<&str> = Vec::new();
    for line in event.lines().filter(|line| !line.is_empty()) {
        if let Some(said) = line.strip_prefix("data:") {
            data.push(said.strip_prefix(' ').unwrap_or(said));
        } else {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    (lines, data.join("\n"))
}

/// What ends an event that was cut off: nothing, so that it stays cut off.
fn blank(event: &str) -> &'static str {
    if event.ends_with("\n\n") || event.ends_with("\r\n\r\n") || event.ends_with("\r\r") {
        "\n"
    } else {
        ""
    }
}

/// The place after the first blank line.
fn event_end(bytes: &[u8], from: usize) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    (from..bytes.len()).find_map(|at| {
        let end = ends.iter().find(|end| bytes[at..].starts_with(end))?;
        Some(at + end.len())
    })
}
