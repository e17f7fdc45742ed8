//! Mermaid flowcharts whose labels can hold any text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::markdown::fence;

/// Nodes above which a diagram is no longer readable, nor drawn by every viewer.
pub(crate) const NODES_MAX: usize = 80;
const EDGES_MAX: usize = 400;
const LABEL_CHARS_MAX: usize = 60;

/// A flowchart under construction.
pub(crate) struct Flowchart {
    direction: &'static str,
    nodes: Vec<(String, String)>,
    edges: Vec<(String, String)>,
}

impl Flowchart {
    /// An empty chart; `direction` is `LR` or `TD`.
    pub(crate) fn new(direction: &'static str) -> Self {
        Self {
            direction,
            nodes: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// Adds a node under a name of the caller's; a name that is there already is left as it is.
    pub(crate) fn node(&mut self, name: &str, label: &str) {
        if !self.has(name) {
            self.nodes.push((name.to_owned(), label.to_owned()));
        }
    }

    /// Adds an arrow between two nodes. Unknown names, loops and doubles are left out.
    pub(crate) fn edge(&mut self, from: &str, to: &str) {
        let edge = (from.to_owned(), to.to_owned());
        if from != to && self.has(from) && self.has(to) && !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    fn has(&self, name: &str) -> bool {
        self.nodes.iter().any(|(known, _)| known == name)
    }

    /// The chart as a code block; empty where there is nothing to draw or too much.
    pub(crate) fn render(&self) -> String {
        if self.nodes.is_empty() || self.nodes.len() > NODES_MAX || self.edges.len() > EDGES_MAX {
            return String::new();
        }
        let ids: BTreeMap<&str, usize> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (name.as_str(), index + 1))
            .collect();
        let mut text = format!("flowchart {}\n", self.direction);
        for (index, (_, text_of)) in self.nodes.iter().enumerate() {
            _ = writeln!(text, "    n{}[\"{}\"]", index + 1, label(text_of));
        }
        for (from, to) in &self.edges {
            _ = writeln!(
                text,
                "    n{} --> n{}",
                ids[from.as_str()],
                ids[to.as_str()]
            );
        }
        fence("mermaid", &text)
    }
}

/// A label in which every character that could mean something to Mermaid is its code point.
fn label(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    let mut rest = words.chars().peekable();
    for _ in 0..LABEL_CHARS_MAX {
        let Some(c) = rest.next() else { break };
        // At the start, `- ` or `1. ` would make a list of the label.
        let joins = match c {
            '-' => !out.is_empty(),
            '.' => rest.peek() != Some(&' '),
            _ => false,
        };
        if joins || c.is_alphanumeric() || matches!(c, ' ' | ',' | '/' | '_') {
            out.push(c);
        } else if !c.is_control() {
            _ = write!(out, "#{};", u32::from(c));
        }
    }
    if rest.peek().is_some() {
        out.push('…');
    }
    if out.is_empty() {
        out.push_str("unnamed");
    }
    out
}
