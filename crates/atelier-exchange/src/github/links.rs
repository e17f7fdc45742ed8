//! What the text of an issue says of its place among the others.

use std::sync::LazyLock;

use regex::Regex;

use crate::words::{self, NEEDS};

/// An issue, by its number, with the project it is of, or by its address.
const ISSUE: &str = r"(?:(?:https?://[^\s/]+/)?(?:[\w.-]+/[\w.-]+)?(?:/issues/|#)\d+)\b";
/// Words before issues that must wait.
const BLOCKS: &str = r"(?:blocks|blocking)";

static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    let text = format!(
        r"(?i)\b(?:(?P<needs>{NEEDS})|(?P<blocks>{BLOCKS}))[*_]*\s*:?[*_]*\s+(?:issues?\s+)?(?P<list>{ISSUE}(?:[\s,&]*(?:\band\b)?\s*{ISSUE})*)"
    );
    words::pattern(&text)
});

static HEADING: LazyLock<Regex> = LazyLock::new(|| {
    let text = format!(
        r"(?i)^[#*_\s]*(?:(?P<needs>{NEEDS}|dependenc(?:y|ies)|prerequisites?)|(?P<blocks>{BLOCKS}))[*_:\s]*$"
    );
    words::pattern(&text)
});

static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    let text = format!(
        r"^\s*(?:[-*+]|\d+[.)])\s+(?P<box>\[[ xX]\]\s+)?[*_`]*(?P<list>{ISSUE}(?:[\s,&]*(?:\band\b)?\s*{ISSUE})*)?"
    );
    words::pattern(&text)
});

static ONE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?:https?://[^\s/]+/)?(?P<project>[\w.-]+/[\w.-]+)?(?:/issues/|#)(?P<number>\d+)";
    words::pattern(text)
});

/// Other issues, by what this one says of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Those that must be done first.
    pub(crate) needs: Vec<String>,
    /// Those that must wait.
    pub(crate) blocks: Vec<String>,
    /// Those it lists as its parts.
    pub(crate) tracks: Vec<String>,
}

/// What the items of a list are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Needs,
    Blocks,
    Anything,
}

/// What a text says. `address` is where its own issue lies: those of other projects are not meant.
pub(crate) fn of(text: &str, address: &str) -> Links {
    let mut links = Links::default();
    let mut about = About::Anything;
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        if let Some(found) = HEADING.captures(line) {
            about = if found.name("needs").is_some() {
                About::Needs
            } else {
                About::Blocks
            };
            continue;
        }
        sentences(line, address, &mut links);
        match ITEM.captures(line) {
            Some(item) => {
                let named = item.name("list").map_or("", |list| list.as_str());
                let named = issues(named, address);
                match about {
                    About::Needs => links.needs.extend(named),
                    About::Blocks => links.blocks.extend(named),
                    About::Anything if item.name("box").is_some() => links.tracks.extend(named),
                    About::Anything => {}
                }
            }
            None if line.trim().is_empty() => {}
            None => about = About::Anything,
        }
    }
    links
}

fn sentences(line: &str, address: &str, links: &mut Links) {
    for found in SENTENCE.captures_iter(line) {
        let named = issues(&found["list"], address);
        if found.name("needs").is_some() {
            links.needs.extend(named);
        } else {
            links.blocks.extend(named);
        }
    }
}

/// The issues of a list that are of the same project.
fn issues(list: &str, address: &str) -> Vec<String> {
    let ours = |project: &str| address.is_empty() || address.contains(&format!("/{project}/"));
    ONE.captures_iter(list)
        .filter(|found| {
            found
                .name("project")
                .is_none_or(|project| ours(project.as_str()))
        })
        .map(|found| format!("#{}", &found["number"]))
        .collect()
}
