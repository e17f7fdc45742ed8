//! Which of several places each piece of a sequence can have.

use std::ops::Range;

/// Of the possible places of each piece of a sequence, those it can have if all pieces stand in
/// the order of the sequence; nothing at all where they cannot.
///
/// With `apart`, no two pieces share a line; without, each only has to begin after the one before.
pub(crate) fn arranged(pieces: &[Vec<Range<usize>>], apart: bool) -> Vec<Vec<Range<usize>>> {
    let after = |place: &Range<usize>| if apart { place.end } else { place.start + 1 };
    // The earliest line at which each piece can begin, and below the latest at which it can.
    let mut earliest = Vec::with_capacity(pieces.len());
    let mut from = 0;
    for places in pieces {
        earliest.push(from);
        let first = places
            .iter()
            .filter(|place| place.start >= from)
            .map(after)
            .min();
        match first {
            Some(next) => from = next,
            None => return Vec::new(),
        }
    }
    let mut arranged = Vec::with_capacity(pieces.len());
    let mut until = usize::MAX;
    for (places, from) in pieces.iter().zip(earliest).rev() {
        let possible = |place: &&Range<usize>| place.start >= from && after(place) <= until;
        let possible: Vec<_> = places.iter().filter(possible).cloned().collect();
        until = possible.iter().map(|place| place.start).max().unwrap_or(0);
        arranged.push(possible);
    }
    arranged.reverse();
    arranged
}
