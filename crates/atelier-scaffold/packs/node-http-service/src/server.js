// The socket: reads requests, asks the router, writes responses.

import { createServer } from "node:http";

import { respond } from "./router.js";

const PORT_MAX = 65535;

/** How long a client may take to send a request, in milliseconds. */
const REQUEST_MS_MAX = 10_000;

/**
 * The port a text names; 0 means any free one.
 * @param {string} text
 * @throws {RangeError} with a message for people
 */
export function parsePort(text) {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= PORT_MAX) return port;
  const shown = JSON.stringify(text);
  throw new RangeError(
    `PORT must be a number from 0 to ${PORT_MAX}, not ${shown}`,
  );
}

/**
 * A service that listens.
 * @typedef {object} Service
 * @property {number} port where it listens, also where any port was asked for
 * @property {() => Promise<void>} stop lets requests under way finish
 */

/**
 * Listens on a host and a port.
 * @param {string} host
 * @param {number} port
 * @returns {Promise<Service>}
 */
export function start(host, port) {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX }, answer);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" ? address?.port : undefined;
      resolve({ port: bound ?? port, stop: () => stop(server) });
    });
  });
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
function answer(request, response) {
  const { status, document, headers } = respond(
    request.method ?? "GET",
    request.url ?? "/",
  );
  const body = Buffer.from(`${JSON.stringify(document)}\n`);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
  // What the route did not read of the body must not fill the connection.
  request.resume();
}

/**
 * @param {import("node:http").Server} server
 * @returns {Promise<void>}
 */
function stop(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
