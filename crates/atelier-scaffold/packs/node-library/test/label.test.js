// What is a label and what is none.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LENGTH_MAX, Label, LabelError } from "../src/index.js";

/**
 * @param {string} text
 * @param {LabelError["problem"]} problem
 */
function refuses(text, problem) {
  const fits = (/** @type {unknown} */ error) =>
    error instanceof LabelError && error.problem === problem;
  assert.throws(() => new Label(text), fits, JSON.stringify(text));
}

test("blanks around the text are dropped", () => {
  assert.equal(new Label("  Shopping list\n").text, "Shopping list");
});

test("any script is welcome", () => {
  for (const text of ["Einkäufe", "買い物", "🛒"]) {
    assert.equal(`${new Label(text)}`, text);
  }
});

test("nothing is no label", () => {
  for (const text of ["", " ", "\t\n"]) refuses(text, "empty");
});

test("the longest label is accepted and one more refused", () => {
  const longest = "🛒".repeat(LENGTH_MAX);
  assert.equal(new Label(longest).text, longest);
  refuses(`${longest}🛒`, "too-long");
});

test("control characters are refused", () => {
  for (const text of ["two\nlines", "a\0b", "a\u001b[31mb", "a\u2028b"]) {
    refuses(text, "control");
  }
});

test("an error says what is wrong", () => {
  assert.throws(() => new Label("x".repeat(81)), {
    name: "LabelError",
    message: "a label has at most 80 characters, not 81",
  });
});

test("a label cannot be changed and compares by its text", () => {
  const label = new Label("a");
  assert.throws(() => Object.assign(label, { text: "b" }), TypeError);
  assert.ok(label.equals(new Label(" a ")));
  assert.ok(!label.equals(new Label("b")));
});

test("a label is its text in JSON", () => {
  assert.equal(JSON.stringify({ label: new Label("a") }), '{"label":"a"}');
});
