// Which section a reader is in.

import assert from "node:assert/strict";
import { test } from "node:test";

import { currentSection, targetOf } from "../src/sections.js";

const PLACES = [
  { id: "about", top: -200 },
  { id: "contact", top: 150 },
  { id: "legal", top: 900 },
];

test("the current section is the last that has passed the line", () => {
  assert.equal(currentSection(PLACES, 200), "contact");
  assert.equal(currentSection(PLACES, 150), "contact");
  assert.equal(currentSection(PLACES, 149), "about");
});

test("before the first section there is none", () => {
  assert.equal(currentSection(PLACES, -300), undefined);
  assert.equal(currentSection([], 200), undefined);
});

test("only links inside the page have a target", () => {
  assert.equal(targetOf("#about"), "about");
  for (const href of [null, "", "#", "other.html#about"]) {
    assert.equal(targetOf(href), undefined);
  }
});
