//! How the bytes of a file are read as characters and written again, byte for byte the same.

/// How a file writes its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 with bytes between that are not.
    Damaged,
    /// UTF-16, the lower byte first.
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// Latin-1 or Windows-1252.
    Western {
        /// Whether it has characters of Windows-1252 that Latin-1 has not.
        windows: bool,
    },
    /// Some other extension of ASCII.
    Unknown,
}

/// Marks that open files, and the encodings they stand for.
const MARKS: [(&[u8], Encoding); 3] = [
    (b"\xef\xbb\xbf", Encoding::Utf8),
    (b"\xff\xfe", Encoding::Utf16Le),
    (b"\xfe\xff", Encoding::Utf16Be),
];
/// What Windows-1252 has where Latin-1 has control characters; `\0` where it has them as well.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];
/// The private character that stands for byte 0 where bytes are no characters; the others follow.
const ESCAPES: u32 = 0x10_ff00;
/// Characters beyond ASCII that follow each other in a text of a Western language.
const WESTERN_RUN_MAX: usize = 3;

impl Encoding {
    /// Reads a file: its encoding, the length of its mark, and its text. `None` where it is not
    /// text.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, usize, String)> {
        for (mark, encoding) in MARKS {
            if let Some(body) = bytes.strip_prefix(mark) {
                let text = if encoding == Self::Utf8 {
                    String::from_utf8(body.to_vec()).ok()?
                } else {
                    encoding.wide(body)?
                };
                return (!text.contains('\0')).then_some((encoding, mark.len(), text));
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes)
            && !text.contains('\0')
        {
            return Some((Self::Utf8, 0, text.to_owned()));
        }
        if bytes.contains(&0) {
            let encoding = unmarked_wide(bytes)?;
            return Some((encoding, 0, encoding.wide(bytes)?));
        }
        let encoding = eight_bits(bytes);
        Some((encoding, 0, encoding.narrow(bytes)?))
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Damaged => "UTF-8 with invalid bytes",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Western { windows: false } => "Latin-1",
            Self::Western { windows: true } => "Windows-1252",
            Self::Unknown => "neither UTF-8 nor another encoding that could be told",
        }
    }

    /// Appends the bytes of a text; `Err` with the first character that the encoding lacks.
    pub(crate) fn write(self, text: &str, bytes: &mut Vec<u8>) -> Result<(), char> {
        match self {
            Self::Utf8 => bytes.extend_from_slice(text.as_bytes()),
            Self::Utf16Le => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::Utf16Be => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Damaged | Self::Western { .. } | Self::Unknown => {
                for c in text.chars() {
                    self.character(c, bytes).ok_or(c)?;
                }
            }
        }
        Ok(())
    }

    /// The first character of a new line that the encoding cannot hold.
    pub(crate) fn lacks(self, text: &str) -> Option<char> {
        let escape = |c: &char| escaped(*c).is_some();
        match self {
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be => None,
            Self::Damaged => text.chars().find(escape),
            Self::Western { .. } => self.write(text, &mut Vec::new()).err(),
            Self::Unknown => text.chars().find(|c| !c.is_ascii()),
        }
    }

    fn character(self, c: char, bytes: &mut Vec<u8>) -> Option<()> {
        if let Self::Western { windows } = self {
            bytes.push(western_byte(c, windows)?);
        } else if let Some(byte) = escaped(c) {
            bytes.push(byte);
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(())
    }

    fn wide(self, bytes: &[u8]) -> Option<String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| match self {
            Self::Utf16Be => u16::from_be_bytes(*pair),
            Self::Utf8 | Self::Damaged | Self::Utf16Le | Self::Western { .. } | Self::Unknown => {
                u16::from_le_bytes(*pair)
            }
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        let text = text.ok().filter(|text| !text.contains('\0'))?;
        rest.is_empty().then_some(text)
    }

    fn narrow(self, bytes: &[u8]) -> Option<String> {
        let mut text = String::with_capacity(bytes.len() * 2);
        match self {
            Self::Western { .. } => text.extend(bytes.iter().map(|byte| western(*byte))),
            Self::Unknown => {
                for byte in bytes {
                    text.push(if byte.is_ascii() {
                        char::from(*byte)
                    } else {
                        escape(*byte)?
                    });
                }
            }
            Self::Utf8 | Self::Damaged | Self::Utf16Le | Self::Utf16Be => {
                for chunk in bytes.utf8_chunks() {
                    text.push_str(chunk.valid());
                    for byte in chunk.invalid() {
                        text.push(escape(*byte)?);
                    }
                }
            }
        }
        Some(text)
    }
}

fn escape(byte: u8) -> Option<char> {
    char::from_u32(ESCAPES + u32::from(byte))
}

/// The byte that a character stands for where it is no character of the file.
fn escaped(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(ESCAPES)?;
    u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
}

fn western(byte: u8) -> char {
    let special = byte
        .checked_sub(0x80)
        .and_then(|at| WINDOWS.get(usize::from(at)));
    match special {
        Some('\0') | None => char::from(byte),
        Some(c) => *c,
    }
}

fn western_byte(c: char, windows: bool) -> Option<u8> {
    let byte = u8::try_from(u32::from(c)).ok();
    if let Some(byte) = byte.filter(|byte| western(*byte) == c) {
        return (windows || !(0x80..0xa0).contains(&byte)).then_some(byte);
    }
    let at = WINDOWS
        .iter()
        .position(|special| *special == c && windows)?;
    u8::try_from(at + 0x80).ok()
}

/// The encoding of a file with NUL bytes: UTF-16 where all of them are halves of ASCII characters.
fn unmarked_wide(bytes: &[u8]) -> Option<Encoding> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let low_first = pairs.iter().all(|[low, high]| *high == 0 && *low != 0);
    let high_first = pairs.iter().all(|[high, low]| *high == 0 && *low != 0);
    match (rest.is_empty(), low_first, high_first) {
        (true, true, false) => Some(Encoding::Utf16Le),
        (true, false, true) => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// The encoding of a file without NUL bytes that is not UTF-8.
fn eight_bits(bytes: &[u8]) -> Encoding {
    let (mut foreign, mut invalid, mut escapes) = (0, 0, false);
    for chunk in bytes.utf8_chunks() {
        foreign += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        escapes |= chunk.valid().chars().any(|c| escaped(c).is_some());
        invalid += chunk.invalid().len();
    }
    if foreign > invalid && !escapes {
        return Encoding::Damaged;
    }
    if foreign > 0 || !looks_western(bytes) {
        return Encoding::Unknown;
    }
    let windows = bytes.iter().any(|byte| (0x80..0xa0).contains(byte));
    Encoding::Western { windows }
}

/// Whether the characters beyond ASCII stand as they do in a Western language: few in a row, and
/// no signs within words.
fn looks_western(bytes: &[u8]) -> bool {
    let runs = bytes.split(u8::is_ascii);
    let short = runs.into_iter().all(|run| run.len() <= WESTERN_RUN_MAX);
    let sign_within_word = |three: &[u8]| {
        let [before, sign, after] = *three else {
            return false;
        };
        let c = western(sign);
        let apostrophe = matches!(c, '’' | '‘' | '·' | '\u{ad}' | '–' | '—');
        let sign = !sign.is_ascii() && !c.is_alphabetic() && !apostrophe;
        sign && before.is_ascii_alphabetic() && after.is_ascii_alphabetic()
    };
    let controls = |byte: &u8| western(*byte).is_control() && !byte.is_ascii();
    short && !bytes.windows(3).any(sign_within_word) && !bytes.iter().any(controls)
}
