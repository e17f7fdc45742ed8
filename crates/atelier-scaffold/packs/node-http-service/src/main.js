// The process: reads HOST and PORT, serves until it is asked to stop.

import process from "node:process";

import { NAME } from "./about.js";
import { parsePort, start } from "./server.js";

const HOST_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = "8080";

try {
  const host = process.env["HOST"] ?? HOST_DEFAULT;
  const port = parsePort(process.env["PORT"] ?? PORT_DEFAULT);
  const service = await start(host, port);
  console.log(`listening on http://${host}:${service.port}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => void service.stop());
  }
} catch (error) {
  console.error(`${NAME}: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
