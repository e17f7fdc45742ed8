//! What decides whether a step's result can be used again: one descriptor, and its key.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{Digest, Network, SandboxLevel, TreePath};
use serde::{Deserialize, Serialize};

use crate::inputs::InputTree;

/// The form of descriptors; raised whenever the same descriptor comes to mean something else.
pub const DESCRIPTOR_VERSION: u32 = 1;

/// The address of a step's result: the digest of its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepKey(pub Digest);

/// Everything that may influence what a step makes, and nothing else.
///
/// The search path is no part of it: which programs were found there is. What a step depends on
/// enters only by what it made, so that work stops where nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// The form, [`DESCRIPTOR_VERSION`].
    pub version: u32,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Folder it runs in; the root of the tree if `None`.
    pub cwd: Option<TreePath>,
    /// The variables it is given.
    pub env: BTreeMap<String, String>,
    /// The digest of the variables that every step is given.
    pub surroundings: Digest,
    /// The further variables that it gets as they are outside, each by the digest of its value, which may be
    /// a secret; `None` for one that is not set there.
    pub env_pass: BTreeMap<String, Option<Digest>>,
    /// Its programs by name, and what tells one from another: a version or the digest of a file.
    pub tools: BTreeMap<String, String>,
    /// Operating system and processor.
    pub platform: String,
    /// How tightly it is confined.
    pub sandbox: SandboxLevel,
    /// How far it may reach.
    pub network: Network,
    /// What it is to make, as patterns from the root of the tree.
    pub outputs: BTreeSet<String>,
    /// The files it reads.
    pub inputs: InputTree,
    /// What each step made that it depends on, by name.
    pub dependencies: BTreeMap<String, Digest>,
}

impl Descriptor {
    /// The key: every field in a fixed order, each with its length before it, files by the root of
    /// their tree.
    pub fn key(&self) -> StepKey {
        let mut canonical = Canonical::new();
        canonical.number(u64::from(self.version));
        canonical.list(&self.argv);
        canonical.text(self.cwd.as_ref().map_or("", TreePath::as_str));
        canonical.map(&self.env, |one, value| one.text(value));
        canonical.bytes(self.surroundings.as_bytes());
        canonical.map(&self.env_pass, |one, value| {
            one.number(u64::from(value.is_some()));
            one.bytes(value.as_ref().map_or(&[], |digest| digest.as_bytes()));
        });
        canonical.map(&self.tools, |one, identity| one.text(identity));
        canonical.text(&self.platform);
        canonical.text(self.sandbox.as_str());
        canonical.text(self.network.as_str());
        canonical.list(&self.outputs);
        canonical.bytes(self.inputs.root().as_bytes());
        canonical.map(&self.dependencies, |one, made| one.bytes(made.as_bytes()));
        StepKey(canonical.finish())
    }
}

/// Writes values so that no two sequences of them read the same.
pub(crate) struct Canonical(blake3::Hasher);

impl Canonical {
    pub(crate) fn new() -> Self {
        Self(blake3::Hasher::new())
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn list<'a>(
        &mut self,
        list: impl IntoIterator<Item = &'a String, IntoIter: ExactSizeIterator>,
    ) {
        let list = list.into_iter();
        self.number(list.len() as u64);
        for text in list {
            self.text(text);
        }
    }

    fn map<V>(&mut self, map: &BTreeMap<String, V>, mut value: impl FnMut(&mut Self, &V)) {
        self.number(map.len() as u64);
        for (name, one) in map {
            self.text(name);
            value(self, one);
        }
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest::from_bytes(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
pub(crate) mod tests;
