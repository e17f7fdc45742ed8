//! The notary: the key that signs the audit log, and the copies that lie in a second place.
//!
//! Both are in the user's data folder, away from the project, so that whoever can change a
//! project's state cannot sign it, and whoever cuts off the end of the log contradicts the copy.

mod copies;
mod key;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use atelier_model::{Checkpoint, Frontier, Standing, Tampering, Timestamp, TreeHash};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use self::copies::Copies;

/// Bytes of a fresh key that the caller brings.
pub const SEED_BYTES: usize = 32;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    /// A file or folder could not be used.
    #[error("use {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may read the key.
    #[error("trust {}: others may read it", .0.display())]
    Exposed(PathBuf),
    /// The file holds no key.
    #[error("read {} as a signing key", .0.display())]
    NoKey(PathBuf),
}

/// Signs checkpoints of one project's log, and keeps the copy of the newest.
#[derive(Debug)]
pub struct Notary {
    pair: Ed25519KeyPair,
    /// The public key in lowercase hex.
    key: String,
    copies: Copies,
}

/// Whose signatures count, and what the second place knows of a log.
#[derive(Debug, Clone, Default)]
pub struct AuditTrust {
    /// Public keys in lowercase hex.
    pub keys: BTreeSet<String>,
    /// Copies of checkpoints, each with the place where it lies.
    pub copies: Vec<(String, Checkpoint)>,
    /// Places whose copies cannot be read.
    pub unreadable: Vec<String>,
}

impl Notary {
    /// The notary of the project in `project`, with its key in `folder`. The key is made of
    /// `fresh` where there is none, readable by the user alone.
    pub fn open(
        folder: &Path,
        project: &Path,
        fresh: &[u8; SEED_BYTES],
    ) -> Result<Self, NotaryError> {
        let seed = key::seed(folder, fresh)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| NotaryError::NoKey(folder.to_owned()))?;
        let key = hex(pair.public_key().as_ref());
        key::trust(folder, &key)?;
        Ok(Self {
            pair,
            key,
            copies: Copies::new(folder, project),
        })
    }

    /// The public key in lowercase hex.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Signs the state of a log.
    pub(crate) fn sign(
        &self,
        tree: &Frontier,
        origin: TreeHash,
        previous: u64,
        at: Timestamp,
    ) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            origin,
            size: tree.size(),
            root: tree.root(),
            previous,
            at,
            key: self.key.clone(),
            signature: String::new(),
        };
        let signature = self.pair.sign(checkpoint.signed_text().as_bytes());
        checkpoint.signature = hex(signature.as_ref());
        checkpoint
    }

    /// The copy that a newer checkpoint of this log takes the place of.
    pub(crate) fn copy(&self, origin: TreeHash) -> Option<Checkpoint> {
        self.copies.read(origin)
    }

    /// Puts a copy of a checkpoint into the second place. Where the copy there is of other entries
    /// than this log has, it is kept as it is beside the new one.
    pub(crate) fn put_copy(&self, checkpoint: &Checkpoint, keep: bool) -> Result<(), NotaryError> {
        self.copies.write(checkpoint, keep)
    }
}

impl AuditTrust {
    /// What the second place in `folder` knows of the log of `project`. A folder that is not there
    /// knows nothing.
    pub fn read(folder: &Path, project: &Path) -> Result<Self, NotaryError> {
        let (copies, unreadable) = Copies::new(folder, project).list()?;
        Ok(Self {
            keys: key::trusted(folder)?,
            copies,
            unreadable,
        })
    }

    /// What is to be thought of a checkpoint's signature.
    pub fn standing(&self, checkpoint: &Checkpoint) -> Standing {
        let (Some(key), Some(signature)) = (bytes(&checkpoint.key), bytes(&checkpoint.signature))
        else {
            return Standing::Broken;
        };
        let text = checkpoint.signed_text();
        let public = UnparsedPublicKey::new(&ED25519, key);
        if public.verify(text.as_bytes(), &signature).is_err() {
            Standing::Broken
        } else if self.keys.contains(&checkpoint.key) {
            Standing::Signed
        } else {
            Standing::Untrusted
        }
    }

    /// Copies of this log, and a finding for each copy of another log that was here before, or
    /// that cannot be read. A log without an entry is every log, cut off to nothing.
    pub fn sort(&self, origin: Option<TreeHash>) -> (Vec<(String, Checkpoint)>, Vec<Tampering>) {
        let own = |copy: &Checkpoint| origin.is_none_or(|origin| origin == copy.origin);
        let (mine, others): (Vec<_>, Vec<_>) =
            self.copies.iter().cloned().partition(|(_, copy)| own(copy));
        let gone = others.into_iter().map(|(place, copy)| {
            if self.standing(&copy) == Standing::Signed {
                let size = copy.size;
                Tampering::Replaced { size, place }
            } else {
                Tampering::CopyChanged { place }
            }
        });
        let unreadable = self.unreadable.iter().cloned();
        let unreadable = unreadable.map(|place| Tampering::CopyChanged { place });
        (mine, gone.chain(unreadable).collect())
    }
}

/// Bytes as lowercase hex.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that lowercase hex stands for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}
