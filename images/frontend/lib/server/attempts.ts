import { createHmac } from "node:crypto";
import type { BetterAuthPlugin } from "better-auth";
import type { Pool, PoolClient } from "pg";

/** attemptsTable makes the migration create the table of counters, which all replicas share.
 * The id of a row is a keyed hash, so the table has neither addresses nor emails. */
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

/** Limit allows max attempts in a period that starts with the first one. */
export interface Limit {
  /** The counter: its kind and its owner. It is hashed before it is stored. */
  key: readonly string[];
  max: number;
  seconds: number;
}

const minute = 60;
const hour = 60 * minute;

/** signInLimits limits wrong passwords; the attempt of a successful sign-in is given back.
 * The narrow limits come first. The wider ones do not count an attempt that a narrow one
 * refuses, so one address cannot use up the limit of an account. A known device has its own
 * limit, so other people cannot lock it out. */
export function signInLimits(account: string, address: string, device?: string): Limit[] {
  if (device !== undefined) {
    return [{ key: ["device", account, device], max: 10, seconds: 15 * minute }];
  }
  return [
    { key: ["account-address", account, address], max: 10, seconds: 15 * minute },
    { key: ["account", account], max: 50, seconds: hour },
    // Many people can share the address of a node, and each makes some mistakes.
    { key: ["address", address], max: 100, seconds: 15 * minute },
  ];
}

/** signUpLimits limits the accounts that one address creates, and so the size of the tables.
 * The limits are high enough for a team, and for the load test, behind one address. */
export function signUpLimits(address: string): Limit[] {
  return [
    { key: ["sign-up-hour", address], max: 300, seconds: hour },
    { key: ["sign-up-day", address], max: 1_000, seconds: 24 * hour },
  ];
}

/** The result of take: allowed, or refused for a number of seconds. */
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

/** Attempts counts attempts in the database, so that all replicas share the counters. */
export class Attempts {
  constructor(
    private readonly pool: Pool,
    private readonly secret: string,
  ) {}

  /** id returns the keyed hash that replaces the parts in the table and in logs. */
  id(parts: readonly string[]): string {
    return createHmac("sha256", this.secret)
      .update(JSON.stringify(["attempts", ...parts]))
      .digest("base64url");
  }

  /** take counts an attempt before it is made, so that concurrent attempts cannot exceed a
   * limit. It counts for all limits, or for none when one of them is used up. */
  async take(limits: readonly Limit[]): Promise<Taken> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      return await this.takeAll(client, limits);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // After an error the connection is closed, because it may be in a transaction.
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

  /** giveBack removes an attempt from the limits that counted it. */
  async giveBack(limits: readonly Limit[]): Promise<void> {
    // One statement for each row, in the order of take. Otherwise deadlocks are possible.
    for (const limit of limits) {
      await this.pool.query(
        "UPDATE attempts SET count = count - 1 WHERE id = $1 AND count > 0 AND expires_at > now()",
        [this.id(limit.key)],
      );
    }
  }

  /** tidy deletes expired counters and sessions. */
  async tidy(): Promise<void> {
    await this.pool.query("DELETE FROM attempts WHERE expires_at <= now()");
    await this.pool.query("DELETE FROM session WHERE expires_at <= now()");
  }
}
