// The service with a socket, and as a process of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parsePort, start } from "../src/server.js";

const HOST = "127.0.0.1";
const MAIN = fileURLToPath(new URL("../src/main.js", import.meta.url));

/**
 * @param {number} port
 * @param {string} method
 * @param {string} path
 */
async function request(port, method, path) {
  const headers = { Connection: "close" };
  const url = `http://${HOST}:${port}${path}`;
  const response = await fetch(url, { method, headers });
  return { response, text: await response.text() };
}

/** @param {string} port */
function launch(port) {
  return spawn(process.execPath, [MAIN], {
    env: { ...process.env, HOST, PORT: port },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("it answers with JSON until it is stopped", async () => {
  const service = await start(HOST, 0);
  const { response, text } = await request(service.port, "GET", "/health");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(text, '{"status":"ok"}\n');
  await service.stop();
  await assert.rejects(request(service.port, "GET", "/health"));
});

test("head has the length and no body", async (context) => {
  const service = await start(HOST, 0);
  context.after(() => service.stop());
  const { response, text } = await request(service.port, "HEAD", "/health");
  assert.equal(response.headers.get("content-length"), "16");
  assert.equal(text, "");
});

test("errors are JSON too", async (context) => {
  const service = await start(HOST, 0);
  context.after(() => service.stop());
  const missing = await request(service.port, "GET", "/nothing");
  assert.equal(missing.response.status, 404);
  const wrong = await request(service.port, "POST", "/health");
  assert.equal(wrong.response.status, 405);
  assert.equal(wrong.response.headers.get("allow"), "GET, HEAD");
  assert.deepEqual(Object.keys(JSON.parse(wrong.text)), ["error"]);
});

test("a port that is taken is an error", async (context) => {
  const service = await start(HOST, 0);
  context.after(() => service.stop());
  await assert.rejects(start(HOST, service.port), { code: "EADDRINUSE" });
});

test("ports are numbers in range", () => {
  assert.deepEqual([parsePort("0"), parsePort("65535")], [0, 65535]);
  for (const text of ["", "-1", "65536", "80x", "0x50", " 80", "1e3"]) {
    assert.throws(() => parsePort(text), RangeError, text);
  }
});

test("a signal stops the process gracefully", async (context) => {
  const child = launch("0");
  context.after(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  const port = Number(`${line}`.split(":").at(-1));
  const { response } = await request(port, "GET", "/");
  assert.equal(response.status, 200);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});

test("a port that is none is a usage error", async () => {
  const child = launch("http");
  let message = "";
  child.stderr.on("data", (data) => (message += data));
  const [code] = await once(child, "close");
  assert.equal(code, 2);
  assert.match(message, /PORT must be a number from 0 to 65535/);
});
