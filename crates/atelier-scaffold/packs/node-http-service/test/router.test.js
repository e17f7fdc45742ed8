// What each route answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NAME, SUMMARY, VERSION } from "../src/about.js";
import { respond } from "../src/router.js";

test("health says ok", () => {
  const expected = { status: 200, document: { status: "ok" } };
  assert.deepEqual(respond("GET", "/health"), expected);
});

test("the root says what the service is", () => {
  const document = { name: NAME, version: VERSION, summary: SUMMARY };
  assert.deepEqual(respond("GET", "/"), { status: 200, document });
});

test("the query does not choose the route", () => {
  assert.equal(respond("GET", "/health?verbose=1").status, 200);
});

test("an unknown path is not found", () => {
  for (const path of ["/nothing", "/health/", "", "*", "//health"]) {
    assert.equal(respond("GET", path).status, 404, path);
  }
});

test("a wrong method is told which are right", () => {
  const response = respond("DELETE", "/health");
  assert.equal(response.status, 405);
  assert.deepEqual(response.headers, { Allow: "GET, HEAD" });
});

test("head goes where get goes", () => {
  assert.deepEqual(respond("HEAD", "/health"), respond("GET", "/health"));
});
