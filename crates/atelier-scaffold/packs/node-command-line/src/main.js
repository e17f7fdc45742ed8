#!/usr/bin/env node
// The process: arguments in, output and an exit code out.

import process from "node:process";

import { run } from "./cli.js";

// A reader that has gone away, such as `head`, is no error.
process.stdout.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
  if (error.code !== "EPIPE") throw error;
});

const outcome = run(process.argv.slice(2));
process.stdout.write(outcome.output);
process.stderr.write(outcome.message);
process.exitCode = outcome.code;
