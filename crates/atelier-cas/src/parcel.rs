//! Records and what belongs to them, as other stores take them in.

use std::collections::BTreeSet;

use atelier_model::Digest;

use crate::{
    Cas, Output, Record,
    codec::{Reader, Writer},
    outputs::Tree,
};

/// Version of the binary form; another one is not read.
const FORMAT: u8 = 1;

impl Record {
    /// The record as bytes, without its key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(FORMAT);
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` where the bytes are something else.
    pub fn from_bytes(key: Digest, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != FORMAT {
            return None;
        }
        let record = Self::read(key, &mut reader)?;
        reader.is_empty().then_some(record)
    }
}

impl Cas {
    /// Every content that belongs to a record: what was printed and made, and the trees of folders.
    /// `None` where a tree is gone or damaged.
    pub fn contents(&self, record: &Record) -> Option<BTreeSet<Digest>> {
        let mut contents: BTreeSet<Digest> = record.log.into_iter().collect();
        for (_, output) in record.outputs.iter() {
            match output {
                Output::File(file) => {
                    contents.insert(file.digest);
                }
                Output::Link { .. } => {}
                Output::Folder { tree } => {
                    contents.insert(*tree);
                    let tree = Tree::from_bytes(&self.read(tree).ok()?)?;
                    contents.extend(tree.files().map(|file| file.digest));
                }
            }
        }
        Some(contents)
    }
}
