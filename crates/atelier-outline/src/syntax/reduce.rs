//! Shorter forms of a source for whoever only reads it: without comments, or without bodies.

use std::ops::Range;

use atelier_model::TreePath;
use tree_sitter::{Node, Tree};

use super::{BYTES_MAX, grammar, is_absurd};
use crate::languages::{self, Reader};

/// Bytes of a body that is worth leaving out.
const BODY_BYTES_MIN: usize = 24;

/// What stands for a body in brackets, and for one that is indented.
const BRACED: &str = "{ … }";
const INDENTED: &str = "...";

/// Nodes whose bodies tell how, not what.
const FUNCTIONS: [&str; 11] = [
    "arrow_function",
    "constructor_declaration",
    "func_literal",
    "function_declaration",
    "function_definition",
    "function_expression",
    "function_item",
    "generator_function",
    "generator_function_declaration",
    "method_declaration",
    "method_definition",
];

/// Bodies of functions; other ones, such as the expression of a short function, are kept.
const BODIES: [&str; 5] = [
    "block",
    "compact_constructor_body",
    "constructor_body",
    "function_body",
    "statement_block",
];

/// The beginnings of comments that tell readers what something is for.
const DOCUMENTATION: [&str; 4] = ["///", "//!", "/**", "/*!"];

/// The text without its comments, and without the blanks that they leave. `None` where the
/// language has no grammar here or the text does not follow it.
///
/// Texts in quotation marks stay letter by letter, whatever they look like.
pub fn without_comments(path: &TreePath, text: &str) -> Option<String> {
    let tree = read(path, text)?;
    let comments = comments(&tree, text, |_| true);
    Some(tidy(text, &changes(comments, Vec::new()), &quoted(&tree)))
}

/// The text with the bodies of its functions left out, and of its comments only those that say what
/// things are for. `None` where the language has no grammar here or the text does not follow it.
pub fn skeleton(path: &TreePath, text: &str) -> Option<String> {
    let tree = read(path, text)?;
    let bodies = bodies(&tree);
    let is_outside = |at: usize| !bodies.iter().any(|(body, _)| body.contains(&at));
    let comments = comments(&tree, text, |comment| {
        let said = text.get(comment.byte_range()).unwrap_or_default();
        let is_documentation = DOCUMENTATION.iter().any(|mark| said.starts_with(mark));
        !is_documentation && is_outside(comment.start_byte())
    });
    Some(tidy(text, &changes(comments, bodies), &quoted(&tree)))
}

/// The tree of a text without faults.
fn read(path: &TreePath, text: &str) -> Option<Tree> {
    let language = languages::of(path)?;
    let grammar = match language.reader {
        Reader::Grammar(grammar) => grammar(),
        Reader::Brackets(_) | Reader::Json | Reader::Toml => return None,
    };
    if text.len() > BYTES_MAX || is_absurd(text) {
        return None;
    }
    let tree = grammar::parse(&grammar, text)?;
    (!tree.root_node().has_error()).then_some(tree)
}

fn comments(tree: &Tree, text: &str, wanted: impl Fn(Node<'_>) -> bool) -> Vec<Range<usize>> {
    let is_comment = |node: &Node<'_>| node.kind().ends_with("comment");
    grammar::nodes(tree.root_node(), |node| !node.kind().ends_with("comment"))
        .filter(is_comment)
        // The first line of a script says what runs it.
        .filter(|node| !(node.start_byte() == 0 && text.starts_with("#!")))
        .filter(|node| wanted(*node))
        .map(|node| {
            let held = text.get(node.byte_range()).unwrap_or_default();
            // Some grammars count the end of the line in.
            node.start_byte()..node.start_byte() + held.trim_end().len()
        })
        .collect()
}

/// The bodies of the outermost functions, and what stands for each.
fn bodies(tree: &Tree) -> Vec<(Range<usize>, &'static str)> {
    let mut bodies: Vec<(Range<usize>, &'static str)> = Vec::new();
    for node in grammar::nodes(tree.root_node(), |_| true) {
        let body = node
            .child_by_field_name("body")
            .filter(|body| FUNCTIONS.contains(&node.kind()) && BODIES.contains(&body.kind()));
        let Some(body) = body.map(|body| body.byte_range()) else {
            continue;
        };
        let is_inside = bodies.last().is_some_and(|(last, _)| body.start < last.end);
        if !is_inside && body.len() >= BODY_BYTES_MIN {
            let is_indented = node.kind() == "function_definition";
            bodies.push((body, if is_indented { INDENTED } else { BRACED }));
        }
    }
    bodies
}

/// What is to be put in the place of what, in order.
fn changes(
    comments: Vec<Range<usize>>,
    bodies: Vec<(Range<usize>, &'static str)>,
) -> Vec<(Range<usize>, &'static str)> {
    let comments = comments.into_iter().map(|comment| (comment, " "));
    let mut changes: Vec<_> = comments.chain(bodies).collect();
    changes.sort_by_key(|(place, _)| place.start);
    changes
}

/// Texts in quotation marks.
fn quoted(tree: &Tree) -> Vec<Range<usize>> {
    let is_quoted = |node: &Node<'_>| node.kind().contains("string");
    grammar::nodes(tree.root_node(), |node| !node.kind().contains("string"))
        .filter(is_quoted)
        .map(|node| node.byte_range())
        .collect()
}

/// The text with its changes; lines that they leave blank are gone, and so are blanks at the ends of
/// lines, except inside of what is quoted.
fn tidy(text: &str, changes: &[(Range<usize>, &str)], quoted: &[Range<usize>]) -> String {
    let mut tidy = String::with_capacity(text.len());
    // The line under way, and whether something was taken out of it.
    let (mut line, mut is_changed) = (String::new(), false);
    let mut from = 0;
    for (place, instead) in changes {
        push(
            text,
            from..place.start,
            quoted,
            (&mut line, &mut is_changed),
            &mut tidy,
        );
        line.push_str(instead);
        is_changed = true;
        from = place.end;
    }
    push(
        text,
        from..text.len(),
        quoted,
        (&mut line, &mut is_changed),
        &mut tidy,
    );
    end_line(&line, is_changed, &mut tidy);
    let has_end = text.ends_with('\n');
    tidy.truncate(tidy.trim_end_matches('\n').len());
    if has_end && !tidy.is_empty() {
        tidy.push('\n');
    }
    tidy
}

/// Copies a stretch of the text line by line.
fn push(
    text: &str,
    stretch: Range<usize>,
    quoted: &[Range<usize>],
    (line, is_changed): (&mut String, &mut bool),
    tidy: &mut String,
) {
    let start = stretch.start;
    for (at, letter) in text.get(stretch).unwrap_or_default().char_indices() {
        let at = start + at;
        let next = quoted.partition_point(|range| range.end <= at);
        let is_quoted = quoted.get(next).is_some_and(|range| range.start < at);
        if letter != '\n' {
            line.push(letter);
        } else if is_quoted {
            tidy.push_str(line);
            tidy.push('\n');
            line.clear();
            *is_changed = false;
        } else {
            end_line(line, *is_changed, tidy);
            line.clear();
            *is_changed = false;
        }
    }
}

fn end_line(line: &str, is_changed: bool, tidy: &mut String) {
    let line = line.trim_end();
    let is_gone = line.is_empty() && (is_changed || tidy.is_empty() || tidy.ends_with("\n\n"));
    if !is_gone {
        tidy.push_str(line);
        tidy.push('\n');
    }
}
