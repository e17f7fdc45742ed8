//! Vectors of questions, and the search for the nearest.

use crate::read::Kind;

/// Numbers of a vector that is made from words.
pub const DIMENSIONS: usize = 256;

/// Numbers of a vector that anybody else made.
pub const DIMENSIONS_MAX: usize = 4_096;

/// What the largest number of a vector becomes.
const LARGEST: f32 = 127.0;

/// Letters that are taken together.
const GRAM: usize = 3;

/// A direction: its numbers in a byte each, so that four times as many vectors fit into the same
/// memory. The rounding moves a similarity by less than 0.01.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    numbers: Box<[i8]>,
    /// One over its length.
    inverse: f32,
}

impl Vector {
    /// The direction of any numbers; `None` where they have none or are too many.
    pub fn of(numbers: &[f32]) -> Option<Self> {
        let larger = |largest: f32, number: &f32| largest.max(number.abs());
        let largest = numbers.iter().fold(0.0, larger);
        let is_finite = numbers.iter().all(|number| number.is_finite());
        if numbers.len() > DIMENSIONS_MAX || !largest.is_normal() || !is_finite {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "none is larger than the largest"
        )]
        let rounded = |number: &f32| (number / largest * LARGEST).round() as i8;
        let numbers: Box<[i8]> = numbers.iter().map(rounded).collect();
        let inverse = from_whole(dot(&numbers, &numbers)).sqrt().recip();
        Some(Self { numbers, inverse })
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
        Self::of(&numbers).unwrap_or_else(|| Self {
            numbers: Box::new([0; DIMENSIONS]),
            inverse: 0.0,
        })
    }

    /// Numbers it has.
    pub fn dimensions(&self) -> usize {
        self.numbers.len()
    }

    /// How alike two directions are: 1 is the same, 0 is none of each other.
    pub fn similarity(&self, other: &Self) -> f32 {
        if self.numbers.len() != other.numbers.len() {
            return 0.0;
        }
        from_whole(dot(&self.numbers, &other.numbers)) * self.inverse * other.inverse
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

/// Numbers that are multiplied at once.
const LANES: usize = 16;

/// The sum of the products: plain loops over pieces of a fixed length, of which the compiler makes
/// one instruction of many numbers.
fn dot(left: &[i8], right: &[i8]) -> i32 {
    let (lefts, left_rest) = left.as_chunks::<LANES>();
    let (rights, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0_i32; LANES];
    for (left, right) in lefts.iter().zip(rights) {
        for lane in 0..LANES {
            sums[lane] += i32::from(i16::from(left[lane]) * i16::from(right[lane]));
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    let rest = rest.map(|(left, right)| i32::from(*left) * i32::from(*right));
    sums.iter().sum::<i32>() + rest.sum::<i32>()
}

fn from_whole(whole: i32) -> f32 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seven digits are more than bytes deserve"
    )]
    let number = whole as f32;
    number
}

/// Vectors of one length, one after the other, searched from end to end.
#[derive(Debug, Clone, Default)]
pub struct Index {
    dimensions: usize,
    numbers: Vec<i8>,
    inverses: Vec<f32>,
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
        if self.inverses.is_empty() {
            self.dimensions = vector.dimensions();
        }
        let fits = self.dimensions == vector.dimensions() && self.dimensions > 0;
        if fits {
            self.numbers.extend_from_slice(&vector.numbers);
            self.inverses.push(vector.inverse);
        }
        fits
    }

    /// Puts a vector in the place of another.
    pub fn replace(&mut self, place: usize, vector: &Vector) -> bool {
        let from = place * self.dimensions;
        let row = self.numbers.get_mut(from..from + self.dimensions);
        let row = row.filter(|row| row.len() == vector.numbers.len());
        let (Some(row), Some(inverse)) = (row, self.inverses.get_mut(place)) else {
            return false;
        };
        row.copy_from_slice(&vector.numbers);
        *inverse = vector.inverse;
        true
    }

    /// Takes the vector of a place out; the last one takes its place.
    pub fn swap_remove(&mut self, place: usize) {
        let (length, from) = (self.numbers.len(), place * self.dimensions);
        if place < self.inverses.len() {
            self.numbers.copy_within(length - self.dimensions.., from);
            self.numbers.truncate(length - self.dimensions);
            self.inverses.swap_remove(place);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inverses.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.inverses.is_empty()
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.numbers.len() + size_of_val(&*self.inverses)
    }

    /// The most similar vectors, the nearest first; of equals the older first.
    pub fn nearest(&self, vector: &Vector, count: usize, least: f32) -> Vec<Found> {
        let mut best: Vec<Found> = Vec::with_capacity(count + 1);
        if self.dimensions != vector.dimensions() || count == 0 {
            return best;
        }
        let mut bar = least;
        let rows = self.numbers.chunks_exact(self.dimensions);
        for (place, (row, inverse)) in rows.zip(&self.inverses).enumerate() {
            let similarity = from_whole(dot(row, &vector.numbers)) * inverse * vector.inverse;
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
