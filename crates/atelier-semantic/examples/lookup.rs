//! How long it takes to find the nearest of many questions, and to read one.
//!
//! `cargo run --release -p atelier-semantic --example lookup`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement looks at the clock, prints and ends with the first error"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use atelier_semantic::{Index, Reading};

/// Questions of an index, and times each is asked for one.
const SIZES: [usize; 3] = [1_000, 20_000, 100_000];
const ROUNDS: usize = 101;

/// Words that questions are made of, so that no two are the same.
const VERBS: [&str; 10] = [
    "sort", "merge", "copy", "split", "print", "parse", "draw", "pack", "hash", "send",
];
const THINGS: [&str; 10] = [
    "list", "file", "table", "image", "tree", "queue", "page", "song", "letter", "graph",
];

fn question(number: usize) -> String {
    let verb = VERBS[number % 10];
    let thing = THINGS[number / 10 % 10];
    format!(
        "How do I {verb} a {thing} of kind {} in release {}?",
        number / 100,
        number % 977
    )
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    for size in SIZES {
        let mut index = Index::default();
        let start = Instant::now();
        for number in 0..size {
            let reading = Reading::of(&question(number)).unwrap();
            index.push(&reading.vector());
        }
        let build = start.elapsed();
        let (mut reads, mut searches) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let text = question(round * size / ROUNDS);
            let start = Instant::now();
            let reading = Reading::of(&text).unwrap();
            let vector = reading.vector();
            reads.push(start.elapsed());
            let start = Instant::now();
            let found = black_box(index.nearest(&vector, 8, 0.5));
            searches.push(start.elapsed());
            assert!(found[0].similarity > 0.99);
        }
        println!(
            "{size} questions: read {:?}, search {:?} (median of {ROUNDS}); {} KiB, built in {build:?}",
            median(reads),
            median(searches),
            index.bytes() / 1024,
        );
    }
}
