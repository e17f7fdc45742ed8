//! Strings inside a JSON text, changed in place: every byte outside of them stays as it is.

use std::{borrow::Cow, ops::Range};

/// How deep a document may be nested; deeper ones are refused by every reader of JSON here.
const DEPTH_MAX: usize = 128;

/// A text that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read JSON at byte {at}")]
pub(crate) struct NoJson {
    /// Where reading stopped.
    pub(crate) at: usize,
}

/// One step from the top of a document to a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'t> {
    /// A member of an object, by its name as it is written.
    Name(&'t str),
    /// A member of a list.
    Index(usize),
}

/// A string value and where it stands. Names of members are never given out as values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'p, 't> {
    /// The way to it.
    pub(crate) path: &'p [Step<'t>],
    /// Where the innermost object around it begins.
    pub(crate) object: usize,
    /// What is between the quotation marks.
    raw: &'t str,
}

impl<'t> Found<'_, 't> {
    /// The innermost name above the string.
    pub(crate) fn name(&self) -> &'t str {
        self.names().next().unwrap_or_default()
    }

    /// The names above the string, the innermost first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'t str> {
        self.path.iter().rev().filter_map(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Index(_) => None,
        })
    }

    /// The way to it as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path {
            pointer.push('/');
            match step {
                Step::Name(name) => pointer.push_str(name),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    /// What it says.
    pub(crate) fn text(&self) -> Cow<'t, str> {
        if !self.raw.contains('\\') {
            return Cow::Borrowed(self.raw);
        }
        let quoted = format!("\"{}\"", self.raw);
        // Half of a surrogate pair is no text; its letters as they stand are scanned all the same.
        serde_json::from_str(&quoted).map_or(Cow::Borrowed(self.raw), Cow::Owned)
    }
}

/// Shows every string value to `change`, in order, and puts what it gives in its place. `None`
/// where nothing was changed.
pub(crate) fn rewrite(
    json: &str,
    mut change: impl FnMut(Found<'_, '_>) -> Option<String>,
) -> Result<Option<String>, NoJson> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut walk = Walk {
        json,
        at: 0,
        path: Vec::new(),
        open: Vec::new(),
    };
    walk.document(&mut |place, found| {
        if let Some(text) = change(found) {
            changes.push((place, serde_json::Value::from(text).to_string()));
        }
    })?;
    if changes.is_empty() {
        return Ok(None);
    }
    let mut written = String::with_capacity(json.len() + 64 * changes.len());
    let mut from = 0;
    for (place, text) in changes {
        written.push_str(&json[from..place.start]);
        written.push_str(&text);
        from = place.end;
    }
    written.push_str(&json[from..]);
    Ok(Some(written))
}

/// Shows every string value, in order.
pub(crate) fn each(json: &str, mut see: impl FnMut(Found<'_, '_>)) -> Result<(), NoJson> {
    rewrite(json, |found| {
        see(found);
        None
    })
    .map(drop)
}

type See<'s, 't> = dyn FnMut(Range<usize>, Found<'_, 't>) + 's;

/// A walk over a document, byte by byte.
struct Walk<'t> {
    json: &'t str,
    at: usize,
    path: Vec<Step<'t>>,
    /// Where each open object or list begins.
    open: Vec<usize>,
}

impl<'t> Walk<'t> {
    fn document(&mut self, see: &mut See<'_, 't>) -> Result<(), NoJson> {
        self.value(see)?;
        while !self.open.is_empty() {
            self.member(see)?;
        }
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong()),
        }
    }

    /// Reads one value; of an object or a list only its beginning.
    fn value(&mut self, see: &mut See<'_, 't>) -> Result<(), NoJson> {
        self.space();
        match self.peek() {
            Some(b'{') => self.enter(Step::Name("")),
            Some(b'[') => self.enter(Step::Index(0)),
            Some(b'"') => {
                let place = self.string()?;
                let found = Found {
                    path: &self.path,
                    object: self.object(),
                    raw: &self.json[place.start + 1..place.end - 1],
                };
                see(place, found);
                Ok(())
            }
            Some(byte) if byte == b'-' || byte.is_ascii_alphanumeric() => {
                self.scalar();
                Ok(())
            }
            Some(_) | None => Err(self.wrong()),
        }
    }

    /// Reads what follows inside the innermost object or list: its next member, or its end.
    fn member(&mut self, see: &mut See<'_, 't>) -> Result<(), NoJson> {
        let start = self.open.last().copied().unwrap_or_default();
        let is_object = self.json.as_bytes().get(start) == Some(&b'{');
        let close = if is_object { b'}' } else { b']' };
        let is_first = self.at == start + 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            self.open.pop();
            self.path.pop();
            return Ok(());
        }
        if !is_first {
            self.expect(b',')?;
        }
        if is_object {
            self.space();
            let name = self.string()?;
            let name = &self.json[name.start + 1..name.end - 1];
            self.step(Step::Name(name));
            self.space();
            self.expect(b':')?;
        } else if !is_first && let Some(Step::Index(index)) = self.path.last().copied() {
            self.step(Step::Index(index + 1));
        }
        self.value(see)
    }

    fn enter(&mut self, first: Step<'t>) -> Result<(), NoJson> {
        if self.open.len() == DEPTH_MAX {
            return Err(self.wrong());
        }
        self.open.push(self.at);
        self.path.push(first);
        self.at += 1;
        Ok(())
    }

    fn step(&mut self, step: Step<'t>) {
        if let Some(last) = self.path.last_mut() {
            *last = step;
        }
    }

    /// Where the innermost object begins.
    fn object(&self) -> usize {
        let is_object = |start: &&usize| self.json.as_bytes().get(**start) == Some(&b'{');
        self.open.iter().rev().find(is_object).copied().unwrap_or(0)
    }

    /// The bytes of a string with its quotation marks.
    fn string(&mut self) -> Result<Range<usize>, NoJson> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(self.wrong()),
            }
        }
    }

    fn scalar(&mut self) {
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), NoJson> {
        if self.peek() != Some(byte) {
            return Err(self.wrong());
        }
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn wrong(&self) -> NoJson {
        NoJson { at: self.at }
    }
}
