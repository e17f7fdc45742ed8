//! DAG-CBOR as far as archives need it: one form for each value, and links.

use crate::cid::{CID_BYTES, Cid};

/// Nodes within nodes.
const DEPTH_MAX: usize = 8;

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// The tag of a link, and the byte that stands before its content identifier.
const LINK: u64 = 42;
const LINK_MARK: u8 = 0;

/// How wide the number after the first byte is.
const ONE_BYTE: u8 = 0x18;
const TWO_BYTES: u8 = 0x19;
const FOUR_BYTES: u8 = 0x1a;
const EIGHT_BYTES: u8 = 0x1b;

const NULL: u8 = 0xf6;

/// A value of DAG-CBOR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Int(u64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Node>),
    /// In the order of the format: shorter names first, then by their bytes.
    Map(Vec<(String, Node)>),
    Link(Cid),
}

impl Node {
    /// A map of these members, in the order of the format.
    pub(crate) fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        let mut members = members.map(|(name, node)| (name.to_owned(), node)).to_vec();
        members.sort_by(|(one, _), (other, _)| order(one, other));
        Self::Map(members)
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn links(links: &[Cid]) -> Self {
        Self::List(links.iter().copied().map(Self::Link).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let found = members.iter().find(|(other, _)| other == name);
        found.map(|(_, node)| node)
    }

    pub(crate) fn as_int(&self) -> Option<u64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Null
            | Self::Bytes(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Link(_) => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self {
            Some(bytes)
        } else {
            None
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(nodes) = self {
            Some(nodes)
        } else {
            None
        }
    }

    pub(crate) fn as_link(&self) -> Option<Cid> {
        if let Self::Link(cid) = self {
            Some(*cid)
        } else {
            None
        }
    }

    /// The links of a list that holds nothing else.
    pub(crate) fn as_links(&self) -> Option<Vec<Cid>> {
        self.as_list()?.iter().map(Self::as_link).collect()
    }

    /// Its bytes, of which there is one form only.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(NULL),
            Self::Int(value) => head(UNSIGNED, *value, out),
            Self::Bytes(bytes) => {
                head(BYTES, bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => text_into(text, out),
            Self::List(nodes) => {
                head(LIST, nodes.len() as u64, out);
                for node in nodes {
                    node.encode_into(out);
                }
            }
            Self::Map(members) => {
                head(MAP, members.len() as u64, out);
                for (name, node) in members {
                    text_into(name, out);
                    node.encode_into(out);
                }
            }
            Self::Link(cid) => {
                head(TAG, LINK, out);
                head(BYTES, CID_BYTES as u64 + 1, out);
                out.push(LINK_MARK);
                out.extend_from_slice(&cid.bytes());
            }
        }
    }

    /// Reads the one form of a value that fills these bytes; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let node = read(&mut rest, DEPTH_MAX)?;
        rest.is_empty().then_some(node)
    }
}

fn order(one: &str, other: &str) -> std::cmp::Ordering {
    (one.len(), one).cmp(&(other.len(), other))
}

fn text_into(text: &str, out: &mut Vec<u8>) {
    head(TEXT, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// The kind of a value and its number, in as few bytes as it takes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "each arm takes as many bytes as its numbers have"
)]
fn head(kind: u8, number: u64, out: &mut Vec<u8>) {
    let kind = kind << 5;
    match number {
        0..=23 => out.push(kind | number as u8),
        24..=0xff => out.extend_from_slice(&[kind | ONE_BYTE, number as u8]),
        0x100..=0xffff => {
            out.push(kind | TWO_BYTES);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(kind | FOUR_BYTES);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(kind | EIGHT_BYTES);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

fn read(rest: &mut &[u8], depth: usize) -> Option<Node> {
    let depth = depth.checked_sub(1)?;
    if rest.first() == Some(&NULL) {
        take(rest, 1)?;
        return Some(Node::Null);
    }
    let (kind, number) = read_head(rest)?;
    match kind {
        UNSIGNED => Some(Node::Int(number)),
        BYTES => Some(Node::Bytes(sized(rest, number)?.to_vec())),
        TEXT => read_text(rest, number).map(Node::Text),
        LIST => {
            let nodes = (0..count(rest, number)?).map(|_| read(rest, depth));
            nodes.collect::<Option<_>>().map(Node::List)
        }
        MAP => read_map(rest, number, depth),
        TAG if number == LINK => {
            let (BYTES, length) = read_head(rest)? else {
                return None;
            };
            let (mark, cid) = sized(rest, length)?.split_first()?;
            (*mark == LINK_MARK)
                .then(|| Cid::of_bytes(cid))?
                .map(Node::Link)
        }
        _ => None,
    }
}

fn read_map(rest: &mut &[u8], number: u64, depth: usize) -> Option<Node> {
    let mut members: Vec<(String, Node)> = Vec::new();
    for _ in 0..count(rest, number)? {
        let (TEXT, length) = read_head(rest)? else {
            return None;
        };
        let name = read_text(rest, length)?;
        if members
            .last()
            .is_some_and(|(last, _)| order(last, &name).is_ge())
        {
            return None;
        }
        members.push((name, read(rest, depth)?));
    }
    Some(Node::Map(members))
}

fn read_text(rest: &mut &[u8], length: u64) -> Option<String> {
    String::from_utf8(sized(rest, length)?.to_vec()).ok()
}

/// The kind of the next value and its number, unless it takes more bytes than it must.
fn read_head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let first = take(rest, 1)?[0];
    let (kind, short) = (first >> 5, first & 0x1f);
    let (size, least) = match short {
        0..=23 => return Some((kind, u64::from(short))),
        ONE_BYTE => (1, 24),
        TWO_BYTES => (2, 0x100),
        FOUR_BYTES => (4, 0x1_0000),
        EIGHT_BYTES => (8, 0x1_0000_0000),
        _ => return None,
    };
    let bytes = take(rest, size)?;
    let number = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (number >= least).then_some((kind, number))
}

/// How many values follow: never more than there are bytes.
fn count(rest: &[u8], number: u64) -> Option<usize> {
    usize::try_from(number)
        .ok()
        .filter(|count| *count <= rest.len())
}

fn sized<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    take(rest, usize::try_from(length).ok()?)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
