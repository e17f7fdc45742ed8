//! Where words begin and how far they go, byte by byte.

/// Whether a byte is part of a word; all letters beyond ASCII count as such.
pub(crate) static IS_PART: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};

/// Bytes of the word at the beginning; 0 where none begins.
pub(crate) fn length(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| !IS_PART[usize::from(*byte)]);
    end.unwrap_or(bytes.len())
}

/// The places after which a word begins, in order.
pub(crate) fn starts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|byte| IS_PART[usize::from(*byte)])?;
        let start = at;
        at += length(&bytes[start..]);
        Some(start)
    })
}
