import { createHmac } from "node:crypto";
import type { BetterAuthPlugin } from "better-auth";
import type { Pool, PoolClient } from "pg";

/** attemptsTable has the migration make the table that every replica counts in. A row's
 * id is a keyed hash, so the table holds neither addresses nor e-mail addresses. */
export const attemptsTable = {
  id: "attempts",
  schema: {
    attempt: {
      modelName: "attempts",
      fields: {
        count: { type: "number", required: true },
        expiresAt: { type: "date", required: true, fieldName: "expires_at", index: true },
      },
    },
  },
} satisfies BetterAuthPlugin;

/** Limit allows max attempts in a window that begins with the first of them. */
export interface Limit {
  /** What is limited, and whose; hashed before it is stored. */
  key: readonly string[];
  max: number;
  seconds: number;
}

const minute = 60;
const hour = 60 * minute;

/** signInLimits bounds wrong passwords; a sign-in that succeeds gives its attempt back.
 * Narrow limits come first: an attempt that one refuses is not counted by the wider
 * ones, so nobody fills an account's limit from one address. A device that has signed
 * in to this account before counts for itself: strangers cannot lock it out. */
export function signInLimits(account: string, address: string, device?: string): Limit[] {
  if (device !== undefined) {
    return [{ key: ["device", account, device], max: 10, seconds: 15 * minute }];
  }
  return [
    { key: ["account-address", account, address], max: 10, seconds: 15 * minute },
    { key: ["account", account], max: 50, seconds: hour },
    // People behind one node's address share it, and mistype now and then.
    { key: ["address", address], max: 100, seconds: 15 * minute },
  ];
}

/** signUpLimits bounds the accounts that one address makes, and with them the tables.
 * It leaves room for a team, and for the load test, behind one address. */
export function signUpLimits(address: string): Limit[] {
  return [
    { key: ["sign-up-hour", address], max: 300, seconds: hour },
    { key: ["sign-up-day", address], max: 1_000, seconds: 24 * hour },
  ];
}

/** An attempt that may go on, or the seconds after which it may. */
export type Taken = { refusedFor?: undefined } | { refusedFor: number };

const countSql = `
  INSERT INTO attempts AS a (id, count, expires_at)
  VALUES ($1, 1, now() + make_interval(secs => $2))
  ON CONFLICT (id) DO UPDATE SET
    count = CASE WHEN a.expires_at <= now() THEN 1 ELSE a.count + 1 END,
    expires_at = CASE WHEN a.expires_at <= now() THEN excluded.expires_at ELSE a.expires_at END
  WHERE a.expires_at <= now() OR a.count < $3
  RETURNING count`;

const leftSql =
  "SELECT ceil(extract(epoch FROM expires_at - now()))::int AS seconds FROM attempts WHERE id = $1";

/** Attempts counts in the database, so that all replicas count together. */
export class Attempts {
  constructor(
    private readonly pool: Pool,
    private readonly secret: string,
  ) {}

  /** id is what stands for parts in the table and in logs. */
  id(parts: readonly string[]): string {
    return createHmac("sha256", this.secret)
      .update(JSON.stringify(["attempts", ...parts]))
      .digest("base64url");
  }

  /** take counts an attempt before it is made, so that attempts at the same time cannot
   * all pass. It counts by all limits, or by none when one of them is used up. */
  async take(limits: readonly Limit[]): Promise<Taken> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      return await this.takeAll(client, limits);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // A connection that is left in a transaction is closed.
      client.release(broken);
    }
  }

  private async takeAll(client: PoolClient, limits: readonly Limit[]): Promise<Taken> {
    await client.query("BEGIN");
    for (const limit of limits) {
      const id = this.id(limit.key);
      const counted = await client.query(countSql, [id, limit.seconds, limit.max]);
      if (counted.rowCount !== 0) continue;
      const left = await client.query(leftSql, [id]);
      await client.query("ROLLBACK");
      return { refusedFor: Math.max(1, Number(left.rows[0]?.seconds ?? limit.seconds)) };
    }
    await client.query("COMMIT");
    return {};
  }

  /** giveBack takes an attempt off the limits that counted it. */
  async giveBack(limits: readonly Limit[]): Promise<void> {
    // One row a statement: several would be locked in an order that is not take's.
    for (const limit of limits) {
      await this.pool.query(
        "UPDATE attempts SET count = count - 1 WHERE id = $1 AND count > 0 AND expires_at > now()",
        [this.id(limit.key)],
      );
    }
  }

  /** tidy deletes what counts no longer, and sessions that are over. */
  async tidy(): Promise<void> {
    await this.pool.query("DELETE FROM attempts WHERE expires_at <= now()");
    await this.pool.query("DELETE FROM session WHERE expires_at <= now()");
  }
}
