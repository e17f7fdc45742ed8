// The commands: each a function from what was asked to a text.

import { NAME, SUMMARY, VERSION } from "./about.js";

/**
 * @typedef {object} Command
 * @property {string} summary what it does, for the help text
 * @property {(options: { json: boolean }) => string} run does it
 */

/**
 * Every command by its name.
 * @type {Record<string, Command>}
 */
export const COMMANDS = {
  about: { summary: "Say what this program is", run: about },
};

/**
 * Says what this program is, as text or as one JSON object.
 * @param {{ json: boolean }} options
 */
function about({ json }) {
  return json
    ? JSON.stringify({ name: NAME, version: VERSION, summary: SUMMARY })
    : `${NAME} ${VERSION}\n${SUMMARY}.`;
}
