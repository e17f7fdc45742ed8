// What the page promises: complete, accessible, and nothing loaded from elsewhere.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../", import.meta.url);
const page = readFileSync(new URL("index.html", ROOT), "utf8");
const style = readFileSync(new URL("style.css", ROOT), "utf8");

/**
 * Every value of an attribute in the page.
 * @param {string} name
 */
function values(name) {
  const found = page.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"));
  return [...found].map((match) => match[1] ?? "");
}

/** @param {RegExp} pattern */
function count(pattern) {
  return [...page.matchAll(pattern)].length;
}

test("the page says its language, title and description", () => {
  assert.match(page, /^<!doctype html>\n<html lang="[a-z-]+">/);
  assert.match(page, /<meta charset="utf-8"/);
  assert.match(page, /<title>[^<]+<\/title>/);
  assert.match(page, /<meta\s+name="description"\s+content="[^"]+"/);
  assert.match(page, /<meta\s+name="viewport"\s+content="width=device-width/);
});

test("there is one main part with one first heading", () => {
  assert.equal(count(/<main[\s>]/g), 1);
  assert.equal(count(/<h1[\s>]/g), 1);
});

test("ids are unique and every link inside the page arrives", () => {
  const ids = values("id");
  assert.equal(new Set(ids).size, ids.length);
  const targets = values("href").filter((href) => href.startsWith("#"));
  assert.ok(targets.length >= 3);
  const named = targets.map((target) => target.slice(1));
  for (const id of [...named, ...values("aria-labelledby")]) {
    assert.ok(ids.includes(id), id);
  }
});

test("every file the page names is there", () => {
  const files = [...values("href"), ...values("src")].filter(
    (path) => !/^(#|[a-z]+:)/.test(path),
  );
  assert.ok(files.length >= 3);
  for (const file of files) assert.ok(existsSync(new URL(file, ROOT)), file);
});

test("nothing is loaded from elsewhere", () => {
  assert.equal(
    count(/<(script|link|img|iframe)[^>]+(src|href)="(https?:)?\/\//g),
    0,
  );
  assert.doesNotMatch(style, /@import|url\(\s*["']?(https?:)?\/\//);
});

test("every picture has a text for those who do not see it", () => {
  for (const [picture] of page.matchAll(/<img[^>]*>/g)) {
    assert.match(picture, /\salt="/);
  }
});

test("the keyboard's place is always visible", () => {
  assert.match(style, /:focus-visible\s*{[^}]*outline:/);
});
