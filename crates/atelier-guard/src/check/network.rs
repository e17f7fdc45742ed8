//! Addresses of machines and mailboxes.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::check::Found;

/// Resolvers that everybody uses; their addresses tell nothing about anybody.
const WELL_KNOWN: &[[u8; 4]] = &[
    [1, 0, 0, 1],
    [1, 1, 1, 1],
    [8, 8, 4, 4],
    [8, 8, 8, 8],
    [9, 9, 9, 9],
    [208, 67, 222, 222],
];

/// Endings of files that look like the last part of a domain.
const FILE_ENDINGS: &[&str] = &[
    "bmp", "css", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "jsx", "map", "mjs",
    "png", "scss", "svg", "toml", "ts", "tsx", "txt", "vue", "webp", "xml", "yaml", "yml",
];

pub(super) fn is_public_v4(found: &Found<'_>) -> bool {
    let Some(address) = v4(found) else {
        return false;
    };
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (18..20).contains(&second);
    let protocol = (first, second, third) == (192, 0, 0);
    let special = first == 0 || first >= 224 || address.is_loopback() || address.is_link_local();
    let nobodys = special
        || shared
        || benchmark
        || protocol
        || address.is_private()
        || address.is_documentation()
        || WELL_KNOWN.contains(&address.octets());
    !nobodys
}

pub(super) fn is_private_v4(found: &Found<'_>) -> bool {
    v4(found).is_some_and(|address| address.is_private())
}

/// The address, if these are all of its four numbers and no network is meant.
fn v4(found: &Found<'_>) -> Option<Ipv4Addr> {
    let after = found
        .text
        .get(found.span.end..)
        .unwrap_or_default()
        .as_bytes();
    let more = match after.first() {
        Some(b'.' | b'-') => after.get(1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b'/') => is_network(&after[1..]),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_',
        None => false,
    };
    let before = found
        .previous()
        .is_some_and(|byte| matches!(byte, b'.' | b'-' | b'^' | b'~'));
    if more || before {
        return None;
    }
    found.value().parse().ok()
}

/// Whether a prefix length shorter than one machine follows a slash.
fn is_network(after: &[u8]) -> bool {
    let digits: Vec<u8> = after
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .take(3)
        .collect();
    (1..=2).contains(&digits.len()) && digits != b"32"
}

pub(super) fn is_personal_v6(value: &str) -> bool {
    let Ok(address) = value.parse::<Ipv6Addr>() else {
        return false;
    };
    let [first, second, ..] = address.segments();
    let documentation = (first, second) == (0x2001, 0xdb8);
    let local = first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00;
    let groups = value.split(':').filter(|group| !group.is_empty()).count();
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    // A short form is taken for an address only in the global range: it is rather a path in code.
    let whole = groups == address.segments().len();
    let global = first & 0xe000 == 0x2000 && groups >= 3;
    (whole || global) && has_digit && !documentation && !local
}

pub(super) fn is_machine(value: &str) -> bool {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .windows(2)
        .any(|two| !two[0].eq_ignore_ascii_case(&two[1]))
}

pub(super) fn is_mailbox(found: &Found<'_>) -> bool {
    let value = found.value().to_lowercase();
    let Some((local, domain)) = value.split_once('@') else {
        return false;
    };
    let ending = domain.rsplit('.').next().unwrap_or_default();
    let is_repository = local == "git" && matches!(found.next(), Some(b':' | b'/'));
    !is_repository && !FILE_ENDINGS.contains(&ending) && !local.ends_with('.')
}
