import { cause, log, logConsole } from "./log";
import { readSettings } from "./settings";

/** start checks the settings and sets up the log. When a setting is missing or wrong, it ends
 * the process. */
export function start(): void {
  try {
    readSettings(process.env);
  } catch (error) {
    // Plain text, not a log line: one problem on each line.
    process.stderr.write(`${cause(error)}\n`);
    process.exit(1);
  }
  logConsole();
  log("info", "frontend started", { image: process.env.IMAGE_DIGEST ?? "" });
}
