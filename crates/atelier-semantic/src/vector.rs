//! Vectors of questions, and the search for the nearest.

use crate::read::Kind;

/// Numbers of a vector that is made from words.
pub const DIMENSIONS: usize = 256;

/// Numbers of a vector that anybody else made.
pub const DIMENSIONS_MAX: usize = 4_096;

/// The whole of a vector of length one is this long.
const SCALE: f32 = 127.0;

/// Letters that are taken together.
const GRAM: usize = 3;

/// A direction: of length one, each of its numbers rounded to a byte. The rounding moves a
/// similarity by less than 0.01, and four times as many vectors fit into the same memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector(Box<[i8]>);

impl Vector {
    /// The direction of any numbers; `None` where they have none or are too many.
    pub fn of(numbers: &[f32]) -> Option<Self> {
        let length = numbers
            .iter()
            .map(|number| number * number)
            .sum::<f32>()
            .sqrt();
        if numbers.len() > DIMENSIONS_MAX || !length.is_normal() {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "none is longer than the whole, and what is no number becomes zero"
        )]
        let rounded = |number: &f32| (number / length * SCALE).round() as i8;
        Some(Self(numbers.iter().map(rounded).collect()))
    }

    /// The direction of a reading: its words, pairs of them, and their letters in threes, each at
    /// the place and with the sign that its hash says.
    pub(crate) fn of_marks<'m>(marks: impl Iterator<Item = (Kind, &'m str)>) -> Self {
        let mut numbers = [0.0; DIMENSIONS];
        let mut before = 0;
        for (kind, text) in marks {
            let hash = hashed(text.as_bytes(), 1);
            add(&mut numbers, hash, weight(kind));
            add(&mut numbers, hashed(&hash.to_le_bytes(), before), 0.5);
            if kind == Kind::Content {
                for gram in text.as_bytes().windows(GRAM) {
                    add(&mut numbers, hashed(gram, 2), 0.2);
                }
            }
            before = hash;
        }
        Self::of(&numbers).unwrap_or_else(|| Self(Box::new([0; DIMENSIONS])))
    }

    /// Numbers it has.
    pub fn dimensions(&self) -> usize {
        self.0.len()
    }

    /// How alike two directions are: 1 is the same, 0 is none of each other.
    pub fn similarity(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        similarity(dot(&self.0, &other.0))
    }
}

/// How much a token says of what a question is about.
fn weight(kind: Kind) -> f32 {
    match kind {
        Kind::Intent => 0.7,
        Kind::Content | Kind::Name | Kind::Number | Kind::Literal => 1.0,
        Kind::Function => 0.4,
        Kind::Break => 0.0,
    }
}

fn add(numbers: &mut [f32; DIMENSIONS], hash: u64, weight: f32) {
    let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
    let place = usize::try_from(hash % 256).unwrap_or(0);
    if let Some(number) = numbers.get_mut(place) {
        *number += sign * weight;
    }
}

/// FNV-1a with a last mixing, so that the high bits depend on every byte.
fn hashed(bytes: &[u8], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(start, step);
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 29)
}

/// The sum of the products. Written so that the compiler does sixteen at once.
fn dot(left: &[i8], right: &[i8]) -> i32 {
    let products = left.iter().zip(right);
    products
        .map(|(left, right)| i32::from(*left) * i32::from(*right))
        .sum()
}

fn similarity(dot: i32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "it is below 2^24")]
    let dot = dot as f32;
    dot / (SCALE * SCALE)
}

/// Vectors of one length, one after the other, searched from end to end.
#[derive(Debug, Clone, Default)]
pub struct Index {
    dimensions: usize,
    numbers: Vec<i8>,
}

/// A vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its place in the index.
    pub place: usize,
    /// How alike it is.
    pub similarity: f32,
}

impl Index {
    /// Adds a vector behind all others. The first decides the length; one of another length has no
    /// place here, and the answer is `false`.
    pub fn push(&mut self, vector: &Vector) -> bool {
        if self.numbers.is_empty() {
            self.dimensions = vector.dimensions();
        }
        let fits = self.dimensions == vector.dimensions() && self.dimensions > 0;
        if fits {
            self.numbers.extend_from_slice(&vector.0);
        }
        fits
    }

    /// Puts a vector in the place of another.
    pub fn replace(&mut self, place: usize, vector: &Vector) -> bool {
        let from = place * self.dimensions;
        let row = self.numbers.get_mut(from..from + self.dimensions);
        let row = row.filter(|row| row.len() == vector.0.len());
        row.is_some_and(|row| {
            row.copy_from_slice(&vector.0);
            true
        })
    }

    /// Takes the vector of a place out; the last one takes its place.
    pub fn swap_remove(&mut self, place: usize) {
        let (length, from) = (self.numbers.len(), place * self.dimensions);
        if from + self.dimensions <= length {
            self.numbers.copy_within(length - self.dimensions.., from);
            self.numbers.truncate(length - self.dimensions);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.dimensions).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.numbers.len()
    }

    /// The most similar vectors, the nearest first; of equals the older first.
    pub fn nearest(&self, vector: &Vector, count: usize, least: f32) -> Vec<Found> {
        let mut best: Vec<Found> = Vec::with_capacity(count + 1);
        if self.dimensions != vector.dimensions() || count == 0 {
            return best;
        }
        let mut bar = least;
        for (place, row) in self.numbers.chunks_exact(self.dimensions).enumerate() {
            let similarity = similarity(dot(row, &vector.0));
            if similarity < bar || (best.len() == count && similarity <= bar) {
                continue;
            }
            let at = best.partition_point(|found| found.similarity >= similarity);
            best.insert(at, Found { place, similarity });
            best.truncate(count);
            if best.len() == count {
                bar = best.last().map_or(bar, |last| last.similarity);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests;
