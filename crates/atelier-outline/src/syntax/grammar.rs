//! Faults that a grammar finds in a text.

use std::{cell::Cell, ops::ControlFlow};

use tree_sitter::{Language, Node, ParseOptions, ParseState, Parser, Point, Tree};

use crate::{
    fault::{Fault, shortened},
    syntax::{
        FAULTS_MAX,
        brackets::{self, Bracket},
    },
};

/// Work on a text, in looks of the reader at how far it is, one every hundred of its operations,
/// and in pieces of the text that it fetches: so much in any case, and more for some bytes. It is
/// several times of what sources need.
const WORK_MIN: usize = 1_000;
const WORK_BYTES: usize = 4;
/// Bytes of a piece.
const PIECE_BYTES: usize = 256;
/// Nodes of a tree that are visited to find its faults.
const NODES_MAX: usize = 2_000_000;

/// Nodes that hold what a macro is given, whose grammar is the macro's own.
const MACRO_KINDS: [&str; 3] = ["token_tree", "token_tree_pattern", "macro_definition"];

/// The faults of a text; `None` if it is too tangled to read.
pub(crate) fn faults(language: &Language, text: &str) -> Option<Vec<Fault>> {
    let tree = parse(language, text)?;
    let root = tree.root_node();
    if !root.has_error() {
        return Some(Vec::new());
    }
    let leaves = nodes(root, |_| true).filter(|node| node.child_count() == 0 && !node.is_missing());
    let words: Vec<_> = leaves.filter_map(|leaf| bracket(leaf, text)).collect();
    let mut faults = brackets::faults(&words, text);
    if faults.is_empty() {
        faults = places(root, text);
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.truncate(FAULTS_MAX);
    Some(faults)
}

fn bracket(leaf: Node<'_>, text: &str) -> Option<Bracket> {
    Bracket::read(leaf.kind(), text, leaf.start_byte())
}

/// The tree of a text; `None` if it is too tangled to read.
pub(crate) fn parse(language: &Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let left = Cell::new(WORK_MIN + text.len() / WORK_BYTES);
    let work = || match left.get().checked_sub(1) {
        Some(fewer) => {
            left.set(fewer);
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let mut piece = |at: usize, _: Point| {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let size = if work().is_continue() { PIECE_BYTES } else { 0 };
        &rest[..rest.len().min(size)]
    };
    let mut look = |_: &ParseState| work();
    let options = ParseOptions::new().progress_callback(&mut look);
    let tree = parser.parse_with_options(&mut piece, None, Some(options))?;
    (left.get() > 0).then_some(tree)
}

/// The nodes from a root on, in the order of the text; of those that are not entered, only they.
pub(crate) fn nodes<'t>(
    root: Node<'t>,
    enter: fn(Node<'t>) -> bool,
) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = root.walk();
    let mut next = Some(root);
    std::iter::from_fn(move || {
        let node = next?;
        let mut found = enter(node) && cursor.goto_first_child();
        while !found {
            found = cursor.goto_next_sibling();
            if !found && !cursor.goto_parent() {
                break;
            }
        }
        next = found.then(|| cursor.node());
        Some(node)
    })
    .take(NODES_MAX)
}

/// The places the grammar could make nothing of.
fn places(root: Node<'_>, text: &str) -> Vec<Fault> {
    let no_macro = |node: Node<'_>| !MACRO_KINDS.contains(&node.kind());
    let mut faults: Vec<Fault> = Vec::new();
    let mut told = None;
    for node in nodes(root, no_macro).filter(|node| node.is_missing() || node.is_error()) {
        // The first fault of a line says enough.
        let row = Some(node.start_position().row);
        if told == row {
            continue;
        }
        told = row;
        faults.push(if node.is_missing() {
            let at = after_the_last_word(text, node.start_byte());
            Fault::at(text, at, format!("`{}` is missing", node.kind()))
        } else {
            unexpected(innermost(node), text)
        });
        if faults.len() == FAULTS_MAX {
            break;
        }
    }
    faults.dedup_by_key(|fault| fault.line);
    faults
}

/// Something missing is missed after the last word before it, not lines below.
fn after_the_last_word(text: &str, byte: usize) -> usize {
    text.get(..byte)
        .map_or(byte, |before| before.trim_end().len())
}

/// The first fault inside of a fault: an outer one often begins at the head of a whole function.
fn innermost(node: Node<'_>) -> Node<'_> {
    let inner = nodes(node, |_| true).skip(1).find(Node::is_error);
    inner.unwrap_or(node)
}

fn unexpected(node: Node<'_>, text: &str) -> Fault {
    let start = node.start_byte();
    let held = text.get(node.byte_range()).unwrap_or_default();
    let line = held.lines().next().unwrap_or_default().trim();
    let said = if line.is_empty() {
        "the text ends too early".to_owned()
    } else {
        format!("`{}` does not fit here", shortened(line))
    };
    Fault::at(text, start, said)
}
