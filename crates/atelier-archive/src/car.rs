//! CAR files of version 1: a root, then blocks one after another, each with its name.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom},
};

use crate::{
    cbor::Node,
    cid::{CID_BYTES, Cid, Codec},
};

/// Bytes of a header with one root. A fixed length lets a writer who learns the root last put it
/// first.
pub const CAR_HEADER_BYTES: usize = 59;

/// Bytes of a header that is read.
const HEADER_BYTES_MAX: u64 = 4096;

/// Bytes of a section that is read. IPFS nodes pass on blocks of up to 2 MiB.
const SECTION_BYTES_MAX: u64 = 4 << 20;

/// Blocks of a file that is read.
const BLOCKS_MAX: usize = 8_000_000;

/// Damages that are told one by one.
const DAMAGES_MAX: usize = 1000;

/// A block and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Block {
    /// A block of bytes that link to nothing.
    pub(crate) fn raw(bytes: Vec<u8>) -> Self {
        Self {
            cid: Cid::of(Codec::Raw, &bytes),
            bytes,
        }
    }

    /// A block of a node.
    pub(crate) fn node(node: &Node) -> Self {
        let bytes = node.encode();
        Self {
            cid: Cid::of(Codec::DagCbor, &bytes),
            bytes,
        }
    }
}

/// The beginning of a CAR file with this root: [`CAR_HEADER_BYTES`].
pub fn car_header(root: &Cid) -> Vec<u8> {
    let header = Node::map([("roots", Node::links(&[*root])), ("version", Node::Int(1))]).encode();
    let mut bytes = varint(header.len() as u64);
    bytes.extend_from_slice(&header);
    bytes
}

/// A block as it stands in a CAR file.
pub fn car_section(block: &Block) -> Vec<u8> {
    let mut bytes = varint((CID_BYTES + block.bytes.len()) as u64);
    bytes.extend_from_slice(&block.cid.bytes());
    bytes.extend_from_slice(&block.bytes);
    bytes
}

/// What CAR files are read from.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Why a CAR file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadCarError {
    /// It does not begin as one.
    #[error("read it as a CAR file of version 1 with one root, whose header begins at byte 0")]
    NoCar,
    /// It has more blocks than are read.
    #[error("read more than {BLOCKS_MAX} blocks")]
    TooMany,
    /// It could not be read.
    #[error("read it")]
    Io(#[from] io::Error),
}

/// What is wrong with a CAR file that can be read otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// A block is not what its name says.
    Changed {
        /// Its name.
        cid: Cid,
        /// Where it begins, in bytes.
        at: u64,
    },
    /// A block has a name that is not used here: not of version 1, or not with SHA-256.
    Unknown {
        /// Where it begins, in bytes.
        at: u64,
    },
    /// It ends within a block, or has no block where one should begin.
    Cut {
        /// Where that block begins, in bytes.
        at: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { cid, at } => {
                write!(f, "block {cid} at byte {at} is not what its name says")
            }
            Self::Unknown { at } => write!(f, "the block at byte {at} has a name of another kind"),
            Self::Cut { at } => write!(f, "the file breaks off in the block at byte {at}"),
        }
    }
}

/// A CAR file whose blocks were all looked at.
pub struct Car<'a> {
    input: BufReader<&'a mut dyn Source>,
    root: Cid,
    places: BTreeMap<Cid, Place>,
    damages: Vec<Damage>,
}

/// Where the bytes of a block are.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    length: usize,
}

impl<'a> Car<'a> {
    /// Reads the whole file once, and notes where the block of each name is. A block that is not
    /// what its name says counts as missing.
    pub fn open(input: &'a mut dyn Source) -> Result<Self, ReadCarError> {
        let mut input = BufReader::new(input);
        input.seek(SeekFrom::Start(0))?;
        let root = read_header(&mut input)?.ok_or(ReadCarError::NoCar)?;
        let mut car = Self {
            input,
            root,
            places: BTreeMap::new(),
            damages: Vec::new(),
        };
        car.look()?;
        Ok(car)
    }

    /// The root that the file names.
    pub fn root(&self) -> Cid {
        self.root
    }

    /// The names of the whole blocks.
    pub fn names(&self) -> Vec<Cid> {
        self.places.keys().copied().collect()
    }

    /// What is wrong with it.
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// The bytes of a block; `None` where it is not there whole.
    pub fn block(&mut self, cid: &Cid) -> io::Result<Option<Vec<u8>>> {
        let Some(place) = self.places.get(cid).copied() else {
            return Ok(None);
        };
        self.input.seek(SeekFrom::Start(place.at))?;
        let mut bytes = vec![0; place.length];
        self.input.read_exact(&mut bytes)?;
        // The file may have been changed since it was looked at.
        Ok(cid.names(&bytes).then_some(bytes))
    }

    fn look(&mut self) -> Result<(), ReadCarError> {
        for _ in 0..BLOCKS_MAX {
            let at = self.input.stream_position()?;
            let section = match read_section(&mut self.input) {
                Ok(Some(section)) => section,
                Ok(None) => return Ok(()),
                Err(error) if is_cut(&error) => {
                    self.note(Damage::Cut { at });
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            let end = self.input.stream_position()?;
            let named = section.split_at_checked(CID_BYTES);
            let Some((cid, bytes)) =
                named.and_then(|(cid, rest)| Some((Cid::of_bytes(cid)?, rest)))
            else {
                self.note(Damage::Unknown { at });
                continue;
            };
            if cid.names(bytes) {
                let length = bytes.len();
                let at = end - length as u64;
                self.places.insert(cid, Place { at, length });
            } else {
                self.note(Damage::Changed { cid, at });
            }
        }
        Err(ReadCarError::TooMany)
    }

    fn note(&mut self, damage: Damage) {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        }
    }
}

impl fmt::Debug for Car<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Car")
            .field("root", &self.root)
            .field("blocks", &self.places.len())
            .field("damages", &self.damages)
            .finish_non_exhaustive()
    }
}

/// Whether a file ends, or goes on as no file does.
fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData
    )
}

/// The one root of a header.
fn read_header(input: &mut dyn Read) -> io::Result<Option<Cid>> {
    let header = match read_sized(input, HEADER_BYTES_MAX) {
        Err(error) if is_cut(&error) => return Ok(None),
        other => other?,
    };
    let header = header.and_then(|bytes| Node::decode(&bytes));
    Ok(header.and_then(|header| {
        let is_first = header.get("version")?.as_int()? == 1;
        match header.get("roots")?.as_links()?.as_slice() {
            [root] if is_first => Some(*root),
            _ => None,
        }
    }))
}

fn read_section(input: &mut dyn Read) -> io::Result<Option<Vec<u8>>> {
    read_sized(input, SECTION_BYTES_MAX)
}

/// Bytes after their number; `None` at the end of the file.
fn read_sized(input: &mut dyn Read, max: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_varint(input)? else {
        return Ok(None);
    };
    if length == 0 || length > max {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    let read = input.take(length).read_to_end(&mut bytes)?;
    if (read as u64) < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Seven bits a byte, the lowest first; the last byte has its highest bit unset.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// `None` at the end of the file.
fn read_varint(input: &mut dyn Read) -> io::Result<Option<u64>> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            if shift == 0 {
                return Ok(None);
            }
            return Err(ErrorKind::UnexpectedEof.into());
        }
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(number));
        }
    }
    Err(ErrorKind::InvalidData.into())
}
