import type { Pool } from "pg";
import type { Attempts } from "./attempts";
import { log } from "./log";
import { perProcess } from "./process";

/** How many sessions an account has at most; the oldest ends when another begins. */
export const mostSessions = 20;

/** How often rows that are over are deleted, in milliseconds. */
const tidyEvery = 10 * 60_000;

/** endOldSessions keeps a person's newest sessions. It runs after the sign-in's own
 * transaction: inside, it would wait for a second connection while holding one. */
export async function endOldSessions(pool: Pool, userId: string): Promise<void> {
  await pool.query(
    `DELETE FROM session WHERE user_id = $1 AND id NOT IN (
       SELECT id FROM session WHERE user_id = $1 AND expires_at > now()
       ORDER BY created_at DESC LIMIT ${mostSessions})`,
    [userId],
  );
}

/** storeUpgrade replaces a hash of an earlier cost, unless it was replaced meanwhile. */
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

/** tidySometimes has rows that are over deleted, now and then and in the background. */
export function tidySometimes(attempts: Attempts, now = Date.now()): void {
  if (now - last.at < tidyEvery) return;
  last.at = now;
  attempts.tidy().catch((cause) => log("error", "old rows not deleted", { cause }));
}
