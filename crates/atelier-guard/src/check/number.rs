//! Numbers of cards, accounts and persons.

use crate::check::digits::{luhn, of, weighted};

/// Numbers that card networks publish for tests; they belong to nobody.
const TEST_CARDS: &[&str] = &[
    "4111111111111111",
    "4242424242424242",
    "4000056655665556",
    "4012888888881881",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "30569309025904",
    "38520000023237",
    "3566002020360505",
];

/// Beginnings and lengths of the card networks.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (3400, 3499, &[15]),
    (3700, 3799, &[15]),
    (3000, 3059, &[14, 16]),
    (3095, 3095, &[14, 16]),
    (3600, 3699, &[14]),
    (3800, 3999, &[14, 16]),
    (604, 604, &[12, 13, 14, 15, 16, 19]),
    (3500, 3599, &[16]),
    (1800, 1800, &[15]),
    (2131, 2131, &[15]),
    (2200, 2204, &[16]),
    (2221, 2720, &[16]),
    (4000, 4999, &[13, 16, 19]),
    (5018, 5018, &[12, 13, 14, 15, 16, 19]),
    (5020, 5020, &[12, 13, 14, 15, 16, 19]),
    (5038, 5038, &[12, 13, 14, 15, 16, 19]),
    (5100, 5599, &[16]),
    (5600, 5899, &[12, 13, 14, 15, 16, 19]),
    (6011, 6011, &[16, 19]),
    (6200, 6299, &[16, 17, 18, 19]),
    (6304, 6304, &[12, 13, 14, 15, 16, 19]),
    (6390, 6390, &[12, 13, 14, 15, 16, 19]),
    (6440, 6599, &[16, 19]),
    (6759, 6763, &[12, 13, 14, 15, 16, 19]),
];

/// Lengths of account numbers by country.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

pub(super) fn is_card(value: &str) -> bool {
    let plain: String = value.chars().filter(char::is_ascii_digit).collect();
    let digits = of(value);
    let begin = digits.iter().take(4).fold(0, |sum, digit| sum * 10 + digit);
    let fits = |(from, to, lengths): &(u32, u32, &[usize])| {
        (*from..=*to).contains(&begin) && lengths.contains(&digits.len())
    };
    ISSUERS.iter().any(fits)
        && luhn(&digits)
        && !TEST_CARDS.contains(&plain.as_str())
        && digits
            .get(1..)
            .is_some_and(|rest| rest.windows(2).any(|two| two[0] != two[1]))
}

/// Bytes of the account number that a text begins with, separators included.
pub(super) fn iban_bytes(value: &str) -> Option<usize> {
    let country = value.get(..2)?.to_ascii_uppercase();
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country)?;
    let letters = value
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_alphanumeric());
    let letters: Vec<(usize, u8)> = letters.take(*length).collect();
    let (last, _) = *letters.get(length - 1)?;
    let moved = letters.iter().cycle().skip(4).take(*length);
    let remainder = moved.fold(0_u32, |rest, (_, byte)| {
        let digit = char::from(*byte).to_digit(36).unwrap_or_default();
        let shift = if digit < 10 { 10 } else { 100 };
        (rest * shift + digit) % 97
    });
    (remainder == 1).then_some(last + 1)
}

pub(super) fn is_ssn(value: &str) -> bool {
    let digits = of(value);
    let number = |from: usize, to: usize| {
        let part = digits.get(from..to).unwrap_or_default();
        part.iter().fold(0, |sum, digit| sum * 10 + digit)
    };
    let (area, group, serial) = (number(0, 3), number(3, 5), number(5, 9));
    // Two numbers that were printed on samples and never belonged to one person.
    let sample = matches!(
        (area, group, serial),
        (78, 5, 1120) | (219, 9, 9999) | (123, 45, 6789)
    );
    digits.len() == 9 && area != 0 && area != 666 && group != 0 && serial != 0 && !sample
}

/// The letter follows from the remainder of 23; foreigners have a letter for the first digit.
pub(super) fn is_dni(value: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_uppercase();
    let Some((number, letter)) = plain.split_at_checked(plain.len().saturating_sub(1)) else {
        return false;
    };
    let number = match number.as_bytes().first() {
        Some(b'X') => number.replacen('X', "0", 1),
        Some(b'Y') => number.replacen('Y', "1", 1),
        Some(b'Z') => number.replacen('Z', "2", 1),
        Some(_) | None => number.to_owned(),
    };
    let number: Option<usize> = number.parse().ok();
    number.is_some_and(|number| LETTERS.get(number % 23) == letter.as_bytes().first())
}

pub(super) fn is_pesel(value: &str) -> bool {
    let digits = of(value);
    let sum = weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    digits.len() == 11 && sum.is_multiple_of(10) && is_varied(&digits)
}

pub(super) fn is_cpf(value: &str) -> bool {
    let digits = of(value);
    let check = |count: usize| {
        let weights: Vec<u32> = (2..=11).rev().skip(10 - count).collect();
        let rest = weighted(digits.get(..count).unwrap_or_default(), &weights) * 10 % 11;
        digits.get(count) == Some(&(rest % 10))
    };
    digits.len() == 11 && check(9) && check(10) && is_varied(&digits)
}

pub(super) fn is_bsn(value: &str) -> bool {
    let digits = of(value);
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = digits.last().copied().unwrap_or_default();
    digits.len() == 9 && sum % 11 == last && is_varied(&digits)
}

pub(super) fn is_nhs(value: &str) -> bool {
    let digits = of(value);
    let rest = 11 - weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    digits.len() == 10 && digits.last() == Some(&(rest % 11)) && is_varied(&digits)
}

/// Thirteen digits and what is missing to a multiple of 97.
pub(super) fn is_insee(value: &str) -> bool {
    let digits = of(value);
    let number = |part: &[u32]| {
        part.iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(*digit))
    };
    let (Some(body), Some(key)) = (digits.get(..13), digits.get(13..15)) else {
        return false;
    };
    digits.len() == 15 && 97 - number(body) % 97 == number(key)
}

fn is_varied(digits: &[u32]) -> bool {
    digits.windows(2).any(|two| two[0] != two[1])
}
