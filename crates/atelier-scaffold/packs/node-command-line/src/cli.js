// Arguments become one command, or a usage error that names the argument.

import { parseArgs } from "node:util";

import { NAME, SUMMARY, VERSION } from "./about.js";
import { COMMANDS } from "./commands.js";

/**
 * What one invocation leaves behind.
 * @typedef {object} Outcome
 * @property {string} output text for standard output
 * @property {string} message text for standard error
 * @property {0 | 1 | 2} code success, failure or usage error
 */

/** A mistake in the arguments; its message says which. */
export class UsageError extends Error {}

/** The text of `--help`. */
export function help() {
  const commands = Object.entries(COMMANDS).map(
    ([name, command]) => `  ${name.padEnd(16)} ${command.summary}`,
  );
  return `${SUMMARY}.

Usage: ${NAME} [OPTIONS] COMMAND

Commands:
${commands.join("\n")}

Options:
  -h, --help       Print this text
  -V, --version    Print the version
      --json       Answer as one JSON object
`;
}

/**
 * Does what the arguments ask for.
 * @param {readonly string[]} args the arguments after the program's name
 * @returns {Outcome}
 */
export function run(args) {
  try {
    return { output: answer(args), message: "", code: 0 };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = `${NAME}: ${error.message}\nTry \`${NAME} --help\`.\n`;
    return { output: "", message, code: 2 };
  }
}

/**
 * @param {readonly string[]} args
 * @returns {string}
 */
function answer(args) {
  const { values, positionals } = parse(args);
  if (values.help) return help();
  if (values.version) return `${NAME} ${VERSION}\n`;
  const [name, extra] = positionals;
  if (name === undefined) throw new UsageError("a command is missing");
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new UsageError(`there is no command \`${name}\``);
  }
  if (extra !== undefined) {
    throw new UsageError(`unexpected argument \`${extra}\``);
  }
  return `${COMMANDS[name]?.run({ json: values.json ?? false })}\n`;
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        version: { type: "boolean", short: "V" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${error}`);
  }
}
