import { log } from "./log";
import { problem } from "./problem";

/** unavailable logs the cause and returns status 503 with a message for people. */
export function unavailable(cause: unknown): Response {
  log("error", "account service not available", { cause });
  return problem(
    503,
    "UNAVAILABLE",
    "Accounts cannot be reached right now. Please try again in a moment.",
    2,
  );
}
