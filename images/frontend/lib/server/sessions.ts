import type { Pool } from "pg";
import type { Attempts } from "./attempts";
import { log } from "./log";
import { perProcess } from "./process";

/** The maximum number of sessions of an account. A new one ends the oldest. */
export const mostSessions = 20;

/** The interval for deleting expired rows, in milliseconds. */
const tidyEvery = 10 * 60_000;

/** endOldSessions deletes all but the newest sessions of a person. It runs after the
 * transaction of the sign-in, because inside it would need a second connection. */
export async function endOldSessions(pool: Pool, userId: string): Promise<void> {
  await pool.query(
    `DELETE FROM session WHERE user_id = $1 AND id NOT IN (
       SELECT id FROM session WHERE user_id = $1 AND expires_at > now()
       ORDER BY created_at DESC LIMIT ${mostSessions})`,
    [userId],
  );
}

/** storeUpgrade replaces a hash by a stronger one, unless it was replaced meanwhile. */
export async function storeUpgrade(
  pool: Pool,
  { from, to }: { from: string; to: string },
): Promise<void> {
  try {
    await pool.query(
      "UPDATE account SET password = $2, updated_at = now() WHERE password = $1 AND provider_id = 'credential'",
      [from, to],
    );
  } catch (cause) {
    log("error", "stronger password hash not stored", { cause });
  }
}

const last = perProcess("sessions.tidied", () => ({ at: 0 }));

/** tidySometimes deletes expired rows in the background, once in each interval. */
export function tidySometimes(attempts: Attempts, now = Date.now()): void {
  if (now - last.at < tidyEvery) return;
  last.at = now;
  attempts.tidy().catch((cause) => log("error", "expired rows not deleted", { cause }));
}
