// How arguments are understood and what the program answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NAME, SUMMARY, VERSION } from "../src/about.js";
import { help, run } from "../src/cli.js";

/**
 * A usage error with this in its message.
 * @param {string[]} args
 * @param {string} mentions
 */
function refuses(args, mentions) {
  const { output, message, code } = run(args);
  assert.deepEqual({ output, code }, { output: "", code: 2 });
  assert.ok(message.startsWith(`${NAME}: `), message);
  assert.ok(message.includes(mentions), message);
}

test("help explains the usage", () => {
  const expected = { output: help(), message: "", code: 0 };
  assert.deepEqual(run(["--help"]), expected);
  assert.deepEqual(run(["-h"]), expected);
  assert.match(help(), /^Usage: .+ COMMAND$/m);
  assert.match(help(), /^ {2}about +Say what/m);
});

test("version is one line", () => {
  const expected = { output: `${NAME} ${VERSION}\n`, message: "", code: 0 };
  assert.deepEqual(run(["--version"]), expected);
  assert.deepEqual(run(["-V"]), expected);
});

test("an unknown option is a usage error that names it", () => {
  refuses(["--colour"], "--colour");
  refuses(["about", "--colour"], "--colour");
  refuses(["-x"], "-x");
});

test("an option takes no value where it has none", () => {
  refuses(["--json=yes", "about"], "--json");
});

test("about says what the program is", () => {
  const output = `${NAME} ${VERSION}\n${SUMMARY}.\n`;
  assert.deepEqual(run(["about"]), { output, message: "", code: 0 });
});

test("about as JSON is one object", () => {
  const expected = { name: NAME, version: VERSION, summary: SUMMARY };
  assert.deepEqual(JSON.parse(run(["about", "--json"]).output), expected);
});

test("an unknown command is a usage error that names it", () => {
  refuses(["abuot"], "`abuot`");
  refuses(["constructor"], "`constructor`");
  refuses([""], "``");
});

test("a missing command is a usage error", () => {
  refuses([], "a command is missing");
});

test("an argument too many is a usage error", () => {
  refuses(["about", "now"], "`now`");
});
