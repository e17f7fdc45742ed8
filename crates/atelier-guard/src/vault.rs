//! Values and the placeholders that stand for them, in both directions.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use zeroize::Zeroizing;

use crate::{
    kind::Kind,
    placeholder::{self, Placeholder},
    policy::Policy,
    restore::{Form, Restorer},
    scan::{Guard, Span},
};

/// Bytes of a vault's key.
pub const KEY_BYTES: usize = 32;

/// What is remembered of one ask, so that its answer can be read: values and their placeholders.
///
/// The same value of the same kind has the same placeholder in every vault of the same key, so asks that are equal
/// stay equal behind the guard. Without the key a placeholder tells nothing about its value.
pub struct Vault {
    key: Zeroizing<[u8; KEY_BYTES]>,
    /// Texts that only looked like placeholders are among them.
    values: HashMap<Placeholder, Zeroizing<String>>,
    counts: BTreeMap<Kind, u32>,
}

/// A text that may leave the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text with a placeholder for every span.
    pub text: String,
    /// What was replaced: spans of the text as it was.
    pub spans: Vec<Span>,
}

impl Vault {
    /// An empty vault. The key is secret and random; who keeps it keeps placeholders stable.
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        Self {
            key: Zeroizing::new(key),
            values: HashMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Replaces what the policy covers and remembers it.
    ///
    /// What already looks like a placeholder is replaced as well: whatever a text says, only
    /// placeholders of this vault are in the result, and [`Vault::restore`] gives the text back.
    pub fn redact(&mut self, guard: &Guard, text: &str, policy: Policy) -> Redacted {
        let spans = guard.scan(text, policy);
        self.replace(text, spans)
    }

    /// The same for the value of a setting, whose name tells what it is, as in `"password": "…"`.
    pub fn redact_named(
        &mut self,
        guard: &Guard,
        (name, value): (&str, &str),
        policy: Policy,
    ) -> Redacted {
        // Quotation marks inside do not end a value here, as they would in a text.
        if !value.contains(char::is_whitespace) {
            let whole = named_spans(guard, name, &value.replace('"', "_"), policy);
            let first = whole.first().filter(|span| span.start == 0);
            if let Some(first) = first.filter(|span| span.kind.is_secret()) {
                return self.replace(value, vec![first.stretched(value.len())]);
            }
        }
        let spans = named_spans(guard, name, value, policy);
        self.replace(value, spans)
    }

    fn replace(&mut self, text: &str, spans: Vec<Span>) -> Redacted {
        let mut redacted = String::with_capacity(text.len());
        let mut from = 0;
        for span in &spans {
            self.push_plain(&text[from..span.start], &mut redacted);
            let value = &text[span.range()];
            redacted.push_str(self.placeholder(value, Some(span.kind)).as_str());
            from = span.end;
        }
        self.push_plain(&text[from..], &mut redacted);
        Redacted {
            text: redacted,
            spans,
        }
    }

    /// The text with every placeholder of this vault replaced by its value.
    pub fn restore(&self, text: &str) -> String {
        let mut restorer = self.restorer(Form::Plain);
        let mut whole = restorer.push(text);
        whole.push_str(&restorer.finish());
        whole
    }

    /// Restores a text that arrives in pieces.
    pub fn restorer(&self, form: Form) -> Restorer<&Self> {
        Restorer::new(self, form)
    }

    /// Every placeholder with its value, so that they can be kept where only their owner reads.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(placeholder, value)| (placeholder.as_str(), value.as_str()))
    }

    /// A vault that restores what another one hid, from its pairs. It counts none of them.
    pub fn of_pairs(
        key: [u8; KEY_BYTES],
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let pairs = pairs.into_iter();
        let values = pairs
            .map(|(placeholder, value)| (Placeholder::read(&placeholder), Zeroizing::new(value)));
        Self {
            values: values.collect(),
            ..Self::new(key)
        }
    }

    /// How many different values of each kind were replaced.
    pub fn counts(&self) -> &BTreeMap<Kind, u32> {
        &self.counts
    }

    /// How many different values were replaced.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was replaced.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a placeholder, in whatever case it is written.
    pub(crate) fn value(&self, written: &str) -> Option<&str> {
        let placeholder = Placeholder::read(written);
        self.values.get(&placeholder).map(|value| value.as_str())
    }

    /// Copies text in which nothing was found, but replaces what looks like a placeholder.
    fn push_plain(&mut self, text: &str, redacted: &mut String) {
        let mut from = 0;
        for found in placeholder::look_alikes(text) {
            redacted.push_str(&text[from..found.start]);
            let value = &text[found.clone()];
            redacted.push_str(self.placeholder(value, None).as_str());
            from = found.end;
        }
        redacted.push_str(&text[from..]);
    }

    fn placeholder(&mut self, value: &str, kind: Option<Kind>) -> Placeholder {
        let mut attempt = 0;
        loop {
            let made = Placeholder::make(&self.key, value, kind, attempt);
            match self.values.get(&made) {
                Some(other) if other.as_str() != value => attempt += 1,
                Some(_) => return made,
                None => {
                    if let Some(kind) = kind {
                        *self.counts.entry(kind).or_default() += 1;
                    }
                    self.values
                        .insert(made.clone(), Zeroizing::new(value.to_owned()));
                    return made;
                }
            }
        }
    }
}

/// The spans of a value behind its name.
fn named_spans(guard: &Guard, name: &str, value: &str, policy: Policy) -> Vec<Span> {
    let lead = format!("\"{name}\": \"");
    let end = lead.len() + value.len();
    let mut spans = guard.scan(&format!("{lead}{value}\""), policy);
    spans.retain(|span| span.end > lead.len() && span.start < end);
    for span in &mut spans {
        span.start = span.start.max(lead.len()) - lead.len();
        span.end = span.end.min(end) - lead.len();
    }
    spans
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} values)", self.values.len())
    }
}
