// What this program is, read from its manifest.

import { readFileSync } from "node:fs";

/** @typedef {{ name: string, version: string, description: string }} Manifest */

/** @type {Manifest} */
const manifest = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

export const NAME = manifest.name;
export const VERSION = manifest.version;
export const SUMMARY = manifest.description;
