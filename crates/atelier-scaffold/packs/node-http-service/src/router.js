// Requests become responses: pure functions, tested without a socket.

import { NAME, SUMMARY, VERSION } from "./about.js";

/**
 * A status, a JSON document and the headers beside the usual ones.
 * @typedef {object} Response
 * @property {number} status
 * @property {Record<string, unknown>} document
 * @property {Record<string, string>} [headers]
 */

/**
 * Every path with its methods; HEAD goes wherever GET goes.
 * @type {Map<string, Map<string, () => Response>>}
 */
const ROUTES = new Map([
  ["/", new Map([["GET", about]])],
  ["/health", new Map([["GET", health]])],
]);

/**
 * Answers a request; the query of its target is left to the route.
 * @param {string} method
 * @param {string} target
 * @returns {Response}
 */
export function respond(method, target) {
  const path = target.split("?", 1)[0] ?? "";
  const methods = ROUTES.get(path);
  if (methods === undefined) {
    return { status: 404, document: { error: `there is nothing at ${path}` } };
  }
  const route = methods.get(method === "HEAD" ? "GET" : method);
  if (route !== undefined) return route();
  const allowed = [...methods.keys(), ...(methods.has("GET") ? ["HEAD"] : [])];
  return {
    status: 405,
    document: { error: `${path} does not answer ${method}` },
    headers: { Allow: allowed.join(", ") },
  };
}

/**
 * Says that the service is well.
 * @returns {Response}
 */
function health() {
  return { status: 200, document: { status: "ok" } };
}

/**
 * Says what the service is.
 * @returns {Response}
 */
function about() {
  const document = { name: NAME, version: VERSION, summary: SUMMARY };
  return { status: 200, document };
}
