//! Whatever the pieces, a stream finds what the whole reply holds.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its replies are files"
)]

use std::{fs, path::Path};

use atelier_model::Limits;

use super::{Glimpse, Stream};
use crate::{Edit, parse};

fn replies() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/edits");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("reply.md"))
        .collect();
    cases.sort();
    let replies = cases
        .iter()
        .filter_map(|case| fs::read_to_string(case).ok());
    replies.collect()
}

/// Reads a reply in pieces and checks the result against that of the whole.
fn check(reply: &str, pieces: &[&str]) {
    let limits = Limits::default();
    let whole = parse(reply, &limits);
    let mut stream = Stream::new(&limits);
    let mut seen: Vec<Glimpse> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
    seen.extend(stream.end());
    let streamed = stream.finish();
    assert_eq!(streamed, whole, "{reply}");
    if let Ok(changes) = whole {
        let complete: Vec<Edit> = seen
            .into_iter()
            .filter_map(|glimpse| match glimpse {
                Glimpse::Complete(edit) => Some(edit),
                Glimpse::Opened { .. } | Glimpse::Line(_) => None,
            })
            .collect();
        assert_eq!(complete, changes.edits, "{reply}");
    }
}

fn chars(text: &str) -> Vec<&str> {
    text.char_indices()
        .map(|(at, c)| &text[at..at + c.len_utf8()])
        .collect()
}

#[test]
fn every_reply_in_single_characters_is_the_whole_reply() {
    for reply in replies() {
        check(&reply, &chars(&reply));
    }
}

#[test]
fn every_reply_cut_in_two_anywhere_is_the_whole_reply() {
    for reply in replies() {
        for (at, _) in reply.char_indices() {
            check(&reply, &[&reply[..at], &reply[at..]]);
        }
    }
}

#[test]
fn an_edit_is_shown_while_it_arrives() {
    let mut stream = Stream::new(&Limits::default());
    let reply = "a.py\n```\n<<<<<<< SEARCH\nx\n=======\ny\nz\n>>>>>>> REPLACE\n```\n\
                 b.py\n```\n1\n";
    let seen: Vec<Glimpse> = chars(reply)
        .iter()
        .flat_map(|piece| stream.push(piece))
        .collect();
    let opened = |path: &str, format| Glimpse::Opened {
        path: Some(path.to_owned()),
        format,
    };
    let line = |text: &str| Glimpse::Line(text.to_owned());
    let complete = parse(reply.split_once("b.py").unwrap().0, &Limits::default()).unwrap();
    assert_eq!(
        seen,
        [
            opened("a.py", "search-replace"),
            line("y"),
            line("z"),
            Glimpse::Complete(complete.edits[0].clone()),
            opened("b.py", "whole-file"),
            line("1"),
        ]
    );
}
