//! How many digits a telephone number has.

use crate::check::digits::of;

/// Digits that a number of the world's plan may have.
const DIGITS_MIN: usize = 7;
const DIGITS_MAX: usize = 15;

pub(super) fn is_phone(value: &str) -> bool {
    let digits = of(value.split(['x', 'e', '#', ';']).next().unwrap_or_default());
    let international = value.trim_start_matches('(').starts_with('+');
    let least = match (international, value.starts_with("00")) {
        (true, _) => DIGITS_MIN + 1,
        (false, true) => DIGITS_MIN + 4,
        (false, false) => DIGITS_MIN,
    };
    let varied = digits
        .get(digits.len().saturating_sub(DIGITS_MIN)..)
        .unwrap_or_default();
    (least..=DIGITS_MAX).contains(&digits.len())
        && varied.windows(2).any(|two| two[0] != two[1])
        && !(international && digits.first() == Some(&0))
}
