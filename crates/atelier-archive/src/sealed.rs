//! One block sealed within another: the same block always to the same bytes, so that it is kept
//! once, and without its name, so that nobody can confirm a guess at what is in it.

use atelier_seal::{SealKey, seal_content, unseal_content};

use crate::{
    car::Block,
    cid::{Cid, Codec},
};

/// Part of the stored format.
const NAMES: &str = "names of archived blocks";

/// Bytes of the name that stands before a sealed block.
const NAME_BYTES: usize = 32;

/// The raw block in which this one is sealed.
pub(crate) fn sealed(key: &SealKey, block: &Block) -> Block {
    let mut plain = Vec::with_capacity(1 + block.bytes.len());
    plain.push(block.cid.codec().number());
    plain.extend_from_slice(&block.bytes);
    // Only who has the key can tell which content a name belongs to.
    let name = blake3::keyed_hash(key.for_purpose(NAMES).expose(), &plain);
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&seal_content(key, name.as_bytes(), &plain));
    Block::raw(bytes)
}

/// The block that is sealed in these bytes; `None` where the key is another one or the bytes were
/// changed.
pub(crate) fn opened(key: &SealKey, bytes: &[u8]) -> Option<Block> {
    let (name, body) = bytes.split_first_chunk::<NAME_BYTES>()?;
    let plain = unseal_content(key, name, body).ok()?;
    let (codec, bytes) = plain.split_first()?;
    let codec = Codec::of_number(*codec)?;
    Some(Block {
        cid: Cid::of(codec, bytes),
        bytes: bytes.to_vec(),
    })
}
