//! What a pattern cannot say: checksums, ranges, and whether a value is a value at all.

mod digits;
mod name;
mod network;
mod number;
mod phone;
mod value;
mod wallet;

use std::ops::Range;

use serde::Deserialize;

/// Bytes of a setting's name before the word that makes it one.
const NAME_BYTES_MAX: usize = 40;

/// A match on its way through the checks.
#[derive(Debug, Clone)]
pub(crate) struct Found<'t> {
    pub(crate) text: &'t str,
    /// From the beginning of the match to the end of the span.
    pub(crate) whole: Range<usize>,
    pub(crate) span: Range<usize>,
}

impl<'t> Found<'t> {
    pub(crate) fn value(&self) -> &'t str {
        self.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The name of the setting whose value this is: the last word before it, as far as it is one.
    pub(crate) fn name(&self) -> &'t str {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
        let bytes = self.text.as_bytes();
        let before = bytes.get(..self.whole.start).unwrap_or_default();
        let front = before
            .iter()
            .rev()
            .take(NAME_BYTES_MAX)
            .take_while(|byte| is_part(byte));
        let from = self.whole.start - front.count();
        let lead = bytes
            .get(self.whole.start..self.span.start)
            .unwrap_or_default();
        let skipped = lead.iter().take_while(|byte| !is_part(byte)).count();
        let length = lead[skipped..]
            .iter()
            .take_while(|byte| is_part(byte))
            .count();
        let to = self.whole.start + skipped + length;
        self.text.get(from..to).unwrap_or_default()
    }

    /// The byte after the span.
    pub(crate) fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.span.end).copied()
    }

    /// The byte before the span.
    pub(crate) fn previous(&self) -> Option<u8> {
        let before = self.text.as_bytes().get(..self.span.start)?;
        before.last().copied()
    }

    /// The same with a shorter value.
    fn cut(self, bytes: usize) -> Self {
        let end = self.span.start + bytes;
        Self {
            span: self.span.start..end,
            ..self
        }
    }
}

/// A condition on a match; it may shorten the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Check {
    /// A card number: prefix and length of an issuer, Luhn checksum, no published test number.
    Card,
    /// An account number: length of its country, remainder of 97; cuts off what follows.
    Iban,
    /// A number that was or may be given out in the United States.
    Ssn,
    /// An address of version 4 that may belong to someone.
    Ipv4,
    /// An address of version 4 in a private network.
    Ipv4Private,
    /// An address of version 6 that may belong to someone.
    Ipv6,
    /// A hardware address of one machine.
    Mac,
    /// A wallet address whose last four bytes are its checksum.
    Base58,
    /// A wallet address of the segregated-witness form.
    Bech32,
    /// As many digits as a telephone number has.
    Phone,
    /// No placeholder, no word, no repetition: what a generator gives out.
    Random,
    /// A value of a setting named like a key or token.
    Token,
    /// A value in quotes, or of an environment file, of a setting named like a password.
    Password,
    /// A value without quotes, which may be code or prose.
    BarePassword,
    /// Not digits alone.
    Lettered,
    /// A password inside an address.
    UrlPassword,
    /// No file name in the shape of an address, no account of a service.
    Mailbox,
    /// A person's name: none of its words is one of headings and products.
    Name,
    /// An address that has a number.
    Place,
    /// Digits with the weights of the Spanish identity card.
    Dni,
    /// Digits with the check digit of Poland.
    Pesel,
    /// Digits with the two check digits of Brazil.
    Cpf,
    /// Digits that pass the eleven test of the Netherlands.
    Bsn,
    /// Digits with the check digit of the health service of the United Kingdom.
    Nhs,
    /// Digits with the check digit of Verhoeff, as in India.
    Verhoeff,
    /// Digits with the key of France.
    Insee,
    /// Digits that pass the Luhn test.
    Luhn,
}

impl Check {
    /// The match if it holds.
    pub(crate) fn apply<'t>(self, found: Found<'t>) -> Option<Found<'t>> {
        let keep = |holds: bool, found: Found<'t>| holds.then_some(found);
        let value = found.value();
        match self {
            Self::Card => keep(number::is_card(value), found),
            Self::Iban => number::iban_bytes(value).map(|bytes| found.cut(bytes)),
            Self::Ssn => keep(number::is_ssn(value), found),
            Self::Ipv4 => keep(network::is_public_v4(&found), found),
            Self::Ipv4Private => keep(network::is_private_v4(&found), found),
            Self::Ipv6 => keep(network::is_personal_v6(value), found),
            Self::Mac => keep(network::is_machine(value), found),
            Self::Base58 => keep(wallet::is_base58check(value), found),
            Self::Bech32 => keep(wallet::is_bech32(value), found),
            Self::Phone => keep(phone::is_phone(value), found),
            Self::Random => keep(value::is_random(value), found),
            Self::Token => value::token(found),
            Self::Password => value::password(found, true),
            Self::BarePassword => value::password(found, false),
            Self::Lettered => keep(!value.bytes().all(|byte| byte.is_ascii_digit()), found),
            Self::UrlPassword => keep(value::is_url_password(value), found),
            Self::Mailbox => keep(network::is_mailbox(&found), found),
            Self::Name => name::person(found),
            Self::Place => name::place(found),
            Self::Dni => keep(number::is_dni(value), found),
            Self::Pesel => keep(number::is_pesel(value), found),
            Self::Cpf => keep(number::is_cpf(value), found),
            Self::Bsn => keep(number::is_bsn(value), found),
            Self::Nhs => keep(number::is_nhs(value), found),
            Self::Verhoeff => keep(digits::verhoeff(&digits::of(value)), found),
            Self::Insee => keep(number::is_insee(value), found),
            Self::Luhn => keep(digits::luhn(&digits::of(value)), found),
        }
    }
}
