//! What a source defines: names of functions, types, constants and modules, with their lines.

use atelier_model::TreePath;
use tree_sitter::Node;

use crate::{
    languages::{self, Reader},
    syntax::grammar,
};

/// Bytes of a source that is read.
const BYTES_MAX: usize = 1_000_000;

/// A name that a source defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// Its line, counted from 1.
    pub line: usize,
}

/// Kinds of nodes whose `name` is defined by them, by the ends of their names.
const DEFINING: [&str; 12] = [
    "_item",
    "_definition",
    "_declaration",
    "_declarator",
    "_spec",
    "_signature",
    "_signature_item",
    "enum_variant",
    "type_alias",
    "method_elem",
    "enum_constant",
    "macro_rule",
];
/// Kinds whose first part is a name that is defined there.
const ASSIGNING: [&str; 2] = ["assignment", "enum_assignment"];

/// The names that a source defines, in the order of its lines. `None` where its language has no
/// grammar here, or the text is too tangled to read.
pub fn definitions(path: &TreePath, text: &str) -> Option<Vec<Definition>> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let Reader::Grammar(language) = &languages::of(path)?.reader else {
        return None;
    };
    let tree = grammar::parse(&language(), text)?;
    let mut found: Vec<Definition> = grammar::nodes(tree.root_node(), |_| true)
        .filter_map(|node| defined(node, text))
        .collect();
    found.sort_by_key(|one| one.line);
    found.dedup();
    Some(found)
}

fn defined(node: Node<'_>, text: &str) -> Option<Definition> {
    let kind = node.kind();
    if kind.contains("parameter") {
        return None;
    }
    let name = if DEFINING.iter().any(|end| kind.ends_with(end)) {
        node.child_by_field_name("name")?
    } else if ASSIGNING.contains(&kind) {
        let left = node.child_by_field_name("left").or_else(|| node.child(0))?;
        (left.kind() == "identifier").then_some(left)?
    } else if matches!(kind, "field_declaration" | "public_field_definition") {
        node.child_by_field_name("name")?
    } else {
        return None;
    };
    let word = text.get(name.byte_range())?;
    let plain = word
        .chars()
        .all(|one| one.is_alphanumeric() || one == '_' || one == '$');
    (plain && !word.is_empty()).then(|| Definition {
        name: word.to_owned(),
        line: name.start_position().row + 1,
    })
}

#[cfg(test)]
mod tests;
