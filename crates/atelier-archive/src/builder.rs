//! Making an archive: answers in, blocks out, the root last.

use std::collections::BTreeSet;

use atelier_model::{ArchiveEntry, StopReason, Usage};
use atelier_seal::SealKey;

use crate::{
    archive::{FORMAT, SEALED_FORMAT, VERSION},
    car::Block,
    cbor::Node,
    cid::Cid,
    sealed::sealed,
};

/// Bytes of a part of a body: half of what every IPFS node takes as a block.
pub(crate) const PART_BYTES_MAX: usize = 512 * 1024;

/// Entries of a chunk, and bytes of them.
const CHUNK_ENTRIES_MAX: usize = 1000;
const CHUNK_BYTES_MAX: usize = 512 * 1024;

/// Links of a list of sealed blocks.
const LIST_LINKS_MAX: usize = 10_000;

/// Makes the blocks of an archive. Whoever adds answers writes the blocks that come back, each once
/// in the whole archive.
#[derive(Debug, Default)]
pub struct ArchiveBuilder {
    key: Option<SealKey>,
    seen: BTreeSet<Cid>,
    /// Of the chunk that is being filled.
    entries: Vec<Node>,
    entries_bytes: usize,
    chunks: Vec<Cid>,
    sealed: Vec<Cid>,
    count: u64,
}

impl ArchiveBuilder {
    /// An empty archive; with a key, a sealed one.
    pub fn new(key: Option<SealKey>) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// How many answers were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds an answer.
    pub fn add(&mut self, entry: &ArchiveEntry, body: &[u8]) -> Vec<Block> {
        let mut out = Vec::new();
        let parts = self.add_body(body, &mut out);
        let node = entry_node(entry, &parts);
        self.entries_bytes += node.encode().len();
        self.entries.push(node);
        self.count += 1;
        if self.entries.len() >= CHUNK_ENTRIES_MAX || self.entries_bytes >= CHUNK_BYTES_MAX {
            self.close_chunk(&mut out);
        }
        out
    }

    /// The parts of a body, which others link to.
    pub(crate) fn add_body(&mut self, body: &[u8], out: &mut Vec<Block>) -> Vec<Cid> {
        let mut parts = Vec::new();
        for part in body.chunks(PART_BYTES_MAX) {
            parts.push(self.put(Block::raw(part.to_vec()), out));
        }
        parts
    }

    /// The last blocks, and the root, which is the last of them.
    pub fn finish(mut self) -> (Cid, Vec<Block>) {
        let mut out = Vec::new();
        let root = self.close(&mut out);
        let root = self.seal_root(root, &mut out);
        (root, out)
    }

    /// The last blocks of the answers, and their plain root.
    pub(crate) fn close(&mut self, out: &mut Vec<Block>) -> Cid {
        self.close_chunk(out);
        let root = Block::node(&Node::map([
            ("format", Node::text(FORMAT)),
            ("version", Node::Int(VERSION)),
            ("entries", Node::Int(self.count)),
            ("chunks", Node::links(&self.chunks)),
        ]));
        self.put(root, out)
    }

    /// The root of a file whose newest block is this plain root: where there is a key, a sealed one
    /// that is added.
    pub(crate) fn seal_root(&self, root: Cid, out: &mut Vec<Block>) -> Cid {
        let Some(key) = &self.key else {
            return root;
        };
        // The root is the newest of the sealed blocks.
        let inner = self
            .sealed
            .last()
            .map_or(Node::Null, |cid| Node::Link(*cid));
        let lists = self.sealed.chunks(LIST_LINKS_MAX).map(|links| {
            let list = Block::node(&Node::links(links));
            let cid = list.cid;
            out.push(list);
            cid
        });
        let lists: Vec<Cid> = lists.collect();
        let outer = Block::node(&Node::map([
            ("format", Node::text(SEALED_FORMAT)),
            ("version", Node::Int(VERSION)),
            ("key", Node::text(&key.print().to_string())),
            ("root", inner),
            ("parts", Node::links(&lists)),
        ]));
        let cid = outer.cid;
        out.push(outer);
        cid
    }

    fn close_chunk(&mut self, out: &mut Vec<Block>) {
        if self.entries.is_empty() {
            return;
        }
        self.entries_bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        let chunk = Block::node(&Node::map([("entries", Node::List(entries))]));
        let cid = self.put(chunk, out);
        self.chunks.push(cid);
    }

    /// Has a block written where it was not yet, and returns the name others link to it by.
    pub(crate) fn put(&mut self, block: Block, out: &mut Vec<Block>) -> Cid {
        let cid = block.cid;
        if self.seen.insert(cid) {
            match &self.key {
                Some(key) => {
                    let sealed = sealed(key, &block);
                    self.sealed.push(sealed.cid);
                    out.push(sealed);
                }
                None => out.push(block),
            }
        }
        cid
    }
}

fn entry_node(entry: &ArchiveEntry, parts: &[Cid]) -> Node {
    let usage = |usage: Usage| {
        let counts = [
            usage.input,
            usage.output,
            usage.cached_input,
            usage.cache_write,
        ];
        // Only where there is any: archives without it keep their names.
        let hour = Some(usage.cache_write_hour).filter(|hour| *hour > 0);
        Node::List(counts.into_iter().chain(hour).map(Node::Int).collect())
    };
    Node::map([
        ("kind", Node::text(entry.kind.name())),
        ("key", Node::Bytes(entry.key.as_bytes().to_vec())),
        (
            "stop",
            entry
                .stop
                .map_or(Node::Null, |stop| Node::text(stop_name(stop))),
        ),
        ("provider", Node::text(&entry.provider)),
        ("model", Node::text(&entry.model)),
        ("usage", entry.usage.map_or(Node::Null, usage)),
        ("cost", Node::Int(entry.cost.0)),
        ("latency_ms", Node::Int(entry.latency_ms)),
        (
            "at",
            Node::Int(u64::try_from(entry.at.millis()).unwrap_or(0)),
        ),
        ("body", Node::links(parts)),
    ])
}

pub(crate) fn stop_name(stop: StopReason) -> &'static str {
    match stop {
        StopReason::End => "end",
        StopReason::Length => "length",
        StopReason::Filtered => "filtered",
    }
}
