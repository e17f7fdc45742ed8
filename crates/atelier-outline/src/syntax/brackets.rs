//! Brackets without a partner: the most frequent fault, told where it can be mended.

use crate::{
    fault::Fault,
    syntax::{FAULTS_MAX, line_before},
};

/// Open brackets among which the partner of one is looked for.
const OPEN_MAX: usize = 256;

/// A bracket as a word of its language, never one in a text or a comment.
pub(crate) struct Bracket {
    shown: &'static str,
    byte: usize,
    /// The one that closes it, if it opens.
    closed_by: Option<&'static str>,
    /// Blanks at the beginning of its line.
    indent: usize,
    /// Whether it is the first on its line.
    leads: bool,
}

impl Bracket {
    /// Reads a word that begins at a byte of a text; `None` if it is no bracket.
    pub(crate) fn read(word: &str, text: &str, byte: usize) -> Option<Self> {
        let (shown, closed_by) = match word {
            "{" => ("{", Some("}")),
            "${" => ("${", Some("}")),
            "(" => ("(", Some(")")),
            "[" => ("[", Some("]")),
            "}" => ("}", None),
            "]" => ("]", None),
            ")" => (")", None),
            _ => return None,
        };
        let line = line_before(text, byte);
        let indent = line.map_or(0, |line| line.len() - line.trim_start().len());
        let leads = line.is_some_and(|line| line.trim_start().is_empty());
        Some(Self {
            shown,
            byte,
            closed_by,
            indent,
            leads,
        })
    }
}

/// Brackets that are not opened or not closed.
pub(crate) fn faults(brackets: &[Bracket], text: &str) -> Vec<Fault> {
    if pair(brackets, false).is_empty() {
        return Vec::new();
    }
    let said = |one: &Bracket| {
        let said = match one.closed_by {
            Some(_) => format!("`{}` is never closed", one.shown),
            None => format!("`{}` closes nothing", one.shown),
        };
        Fault::at(text, one.byte, said)
    };
    let alone = pair(brackets, true);
    alone.into_iter().take(FAULTS_MAX).map(said).collect()
}

/// The brackets without a partner, in order. Where one is missing, indentation tells which: a
/// bracket that leads its line closes the one whose line is indented like its own.
fn pair(brackets: &[Bracket], by_indent: bool) -> Vec<&Bracket> {
    let mut open: Vec<&Bracket> = Vec::new();
    let mut alone: Vec<&Bracket> = Vec::new();
    for one in brackets {
        if one.closed_by.is_some() {
            open.push(one);
            continue;
        }
        let fits = |other: &&Bracket| other.closed_by == Some(one.shown);
        let level = |other: &&Bracket| fits(other) && other.indent == one.indent;
        let near = open.len().saturating_sub(OPEN_MAX);
        let beside = (by_indent && one.leads).then(|| open[near..].iter().rposition(level));
        let partner = beside
            .flatten()
            .or_else(|| open[near..].iter().rposition(fits));
        match partner {
            Some(at) => {
                alone.extend(open.drain(near + at + 1..));
                open.pop();
            }
            None => alone.push(one),
        }
    }
    alone.extend(open);
    alone.sort_by_key(|one| one.byte);
    alone
}
