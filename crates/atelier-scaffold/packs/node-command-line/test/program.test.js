// The program, run in a process of its own as a user runs it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { NAME, VERSION } from "../src/about.js";

const MAIN = fileURLToPath(new URL("../src/main.js", import.meta.url));

/** @param {string[]} args */
function run(...args) {
  const ended = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
  });
  return { code: ended.status, output: ended.stdout, message: ended.stderr };
}

test("it prints its version", () => {
  const output = `${NAME} ${VERSION}\n`;
  assert.deepEqual(run("--version"), { code: 0, output, message: "" });
});

test("a usage error ends it with code 2", () => {
  const { code, output, message } = run("--no-such-option");
  assert.deepEqual({ code, output }, { code: 2, output: "" });
  assert.match(message, /--no-such-option/);
});
