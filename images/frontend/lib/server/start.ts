import { cause, log, logConsole } from "./log";
import { readSettings } from "./settings";

/** start sets up what the whole process shares, and ends it when a setting is
 * missing or wrong. */
export function start(): void {
  try {
    readSettings(process.env);
  } catch (error) {
    // People read this first, one problem a line.
    process.stderr.write(`${cause(error)}\n`);
    process.exit(1);
  }
  logConsole();
  log("info", "frontend started", { image: process.env.IMAGE_DIGEST ?? "" });
}
