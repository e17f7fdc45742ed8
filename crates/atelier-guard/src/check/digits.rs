//! Checksums over decimal digits.

/// The decimal digits of a text, in order.
pub(super) fn of(text: &str) -> Vec<u32> {
    text.chars()
        .filter_map(|letter| letter.to_digit(10))
        .collect()
}

/// The checksum of Luhn: every second digit from the right is doubled.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let value = |(place, digit): (usize, &u32)| match (place % 2, digit * 2) {
        (0, _) => *digit,
        (_, doubled) if doubled > 9 => doubled - 9,
        (_, doubled) => doubled,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(value).sum();
    digits.len() > 1 && sum.is_multiple_of(10)
}

/// The weighted sum of as many digits as there are weights.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum()
}

/// The checksum of Verhoeff, which catches every swap of neighbours.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    let fold = |sum: usize, (place, digit): (usize, &u32)| {
        let permuted = PERMUTED[place % 8][*digit as usize % 10];
        MULTIPLIED[sum][permuted]
    };
    digits.len() > 1 && digits.iter().rev().enumerate().fold(0, fold) == 0
}

/// Multiplication in the symmetry group of a pentagon.
const MULTIPLIED: [[usize; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation applied to the digit at each place.
const PERMUTED: [[usize; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];
