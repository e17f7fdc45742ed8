//! Checksums inside wallet addresses.

use sha2::{Digest, Sha256};

/// Letters of the longest address in base 58.
const LETTERS_MAX: usize = 112;

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether the last four bytes are the double digest of those before.
pub(super) fn is_base58check(value: &str) -> bool {
    let Some(bytes) = base58(value) else {
        return false;
    };
    let Some((body, sum)) = bytes.split_last_chunk::<4>() else {
        return false;
    };
    let digest = Sha256::digest(Sha256::digest(body));
    digest.as_slice().starts_with(sum)
}

fn base58(value: &str) -> Option<Vec<u8>> {
    if value.len() > LETTERS_MAX {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for letter in value.bytes() {
        let digit = BASE58.iter().position(|known| *known == letter)?;
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).ok()?;
            carry /= 256;
        }
        while carry > 0 {
            bytes.insert(0, u8::try_from(carry % 256).ok()?);
            carry /= 256;
        }
    }
    let zeros = value.bytes().take_while(|letter| *letter == b'1').count();
    Some([vec![0; zeros], bytes].concat())
}

/// Whether the polynomial over prefix and data leaves one of the two known remainders.
pub(super) fn is_bech32(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let Some((prefix, data)) = value.rsplit_once('1') else {
        return false;
    };
    let high = prefix.bytes().map(|byte| u32::from(byte >> 5));
    let low = prefix.bytes().map(|byte| u32::from(byte & 31));
    let mut numbers: Vec<u32> = high.chain([0]).chain(low).collect();
    for letter in data.bytes() {
        let Some(number) = BASE32.iter().position(|known| *known == letter) else {
            return false;
        };
        numbers.extend(u32::try_from(number));
    }
    matches!(polynomial(&numbers), 1 | 0x2bc8_30a3)
}

fn polynomial(numbers: &[u32]) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    numbers.iter().fold(1, |sum, number| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ number;
        let chosen = GENERATOR.iter().enumerate();
        chosen.fold(next, |next, (bit, part)| {
            if (top >> bit) & 1 == 1 {
                next ^ part
            } else {
                next
            }
        })
    })
}
