// The archives of the program through the libraries of IPFS's own makers: read, verified, written.
// Arguments: an archive, a sealed one, where to write the first anew, where to write one of our own.
// Runs from beside its libraries; cars.py puts it there.

import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import assert from "node:assert/strict";
import { CarReader, CarWriter } from "@ipld/car";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { sha256 } from "multiformats/hashes/sha2";

const CODECS = { [raw.code]: raw, [dagCbor.code]: dagCbor };

// Every block is what its name says, has one form, and is reached from the root.
async function verified(path) {
  const car = await CarReader.fromIterable(createReadStream(path));
  const roots = await car.getRoots();
  assert.equal(roots.length, 1);
  const blocks = new Map();
  for await (const { cid, bytes } of car.blocks()) {
    const codec = CODECS[cid.code];
    assert.equal(cid.version, 1);
    assert.equal(CID.create(1, cid.code, await sha256.digest(bytes)).toString(), cid.toString());
    assert.equal(Buffer.compare(codec.encode(codec.decode(bytes)), bytes), 0);
    assert.ok(bytes.length <= 1 << 20);
    blocks.set(cid.toString(), { cid, bytes });
  }
  const open = [roots[0]];
  const reached = new Set();
  while (open.length > 0) {
    const cid = open.pop();
    if (reached.has(cid.toString())) continue;
    reached.add(cid.toString());
    const block = blocks.get(cid.toString());
    assert.ok(block, `${cid} is not in ${path}`);
    if (cid.code === dagCbor.code) links(dagCbor.decode(block.bytes), open);
  }
  assert.equal(reached.size, blocks.size);
  return { root: roots[0], blocks: [...reached].map((name) => blocks.get(name)) };
}

function links(node, into) {
  if (CID.asCID(node)) into.push(CID.asCID(node));
  else if (node instanceof Uint8Array || node === null) return;
  else if (typeof node === "object") Object.values(node).forEach((one) => links(one, into));
}

async function write(path, root, blocks) {
  const { writer, out } = CarWriter.create([root]);
  const written = pipeline(Readable.from(out), createWriteStream(path));
  for (const block of blocks) await writer.put(block);
  await writer.close();
  await written;
}

async function block(codec, value) {
  const bytes = codec.encode(value);
  return { cid: CID.create(1, codec.code, await sha256.digest(bytes)), bytes };
}

// An archive of one answer, from the description of the format alone.
async function own() {
  const body = await block(raw, new TextEncoder().encode("written elsewhere"));
  const entry = {
    kind: "ask", key: new Uint8Array(32).fill(7), stop: "end", provider: "openai", model: "any",
    usage: [10, 300, 0, 70000], cost: 5, latency_ms: 1200, at: 1767225600000, body: [body.cid],
  };
  const chunk = await block(dagCbor, { entries: [entry] });
  const root = await block(dagCbor, {
    format: "atelier archive", version: 1, entries: 1, chunks: [chunk.cid],
  });
  return { root: root.cid, blocks: [root, chunk, body] };
}

const [plainPath, sealedPath, anewPath, ownPath] = process.argv.slice(2);
const plain = await verified(plainPath);
const sealed = await verified(sealedPath);
// From the root on, as a node sends it, and not in the order in which it was made.
await write(anewPath, plain.root, plain.blocks);
const made = await own();
await write(ownPath, made.root, made.blocks);
console.log(JSON.stringify({
  root: plain.root.toString(), blocks: plain.blocks.length, sealed: sealed.blocks.length,
  own: made.root.toString(),
}));
