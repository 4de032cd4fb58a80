import { getSchema } from "better-auth/db";
import { getMigrations } from "better-auth/db/migration";
import type { Pool, PoolClient } from "pg";
import { authOptions } from "./lib/server/auth-options";
import { grantRows, requireRole } from "./lib/server/grants";
import { openMigrationPool } from "./lib/server/runtime";
import { readMigrationSettings } from "./lib/server/settings";

/** The lock of this migration. All replicas use the same number; the migration of the backend
 * uses another one. */
const advisoryLock = 7_301_002;
const databaseWaitMs = 60_000;
const lockWaitMs = 60_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens a connection, and checks that the role exists, if one is given. */
async function open(pool: Pool, role: string | undefined): Promise<PoolClient> {
  const client = await pool.connect();
  try {
    if (role !== undefined) await requireRole(client, role);
    return client;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Waits for a connection, at most databaseWaitMs. */
async function connect(pool: Pool, role: string | undefined): Promise<PoolClient> {
  const deadline = Date.now() + databaseWaitMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(pool, role);
    } catch (error) {
      const reason = error instanceof Error ? error.message || String(error) : String(error);
      if (Date.now() >= deadline) {
        throw new Error(`wait for the database for ${databaseWaitMs / 1000} s: ${reason}`, {
          cause: error,
        });
      }
      if (attempt === 1) console.log(`waiting for the database: ${reason}`);
      await pause(Math.min(250 * attempt, 2_000));
    }
  }
}

/** Migrates the account tables to the schema of this version. A lock serializes replicas. */
async function migrate(): Promise<void> {
  const settings = readMigrationSettings(process.env);
  const pool = openMigrationPool(settings.database);
  const client = await connect(pool, settings.role);
  try {
    await client.query(`SET lock_timeout = ${lockWaitMs}`);
    await client.query("SELECT pg_advisory_lock($1)", [advisoryLock]);
    const options = authOptions({ secret: settings.authSecret, pool, scheme: "http" });
    const plan = await getMigrations(options);
    const tables = [...plan.toBeCreated, ...plan.toBeAdded].map((change) => change.table);
    await plan.runMigrations();
    if (settings.role !== undefined) {
      await grantRows(client, settings.role, Object.keys(getSchema(options)));
    }
    console.log(
      tables.length > 0
        ? `account tables migrated: ${[...new Set(tables)].sort().join(", ")}`
        : "account tables are up to date",
    );
  } finally {
    // Closing the connection releases the lock, also after an error.
    client.release(true);
    await pool.end();
  }
}

try {
  await migrate();
} catch (error) {
  console.error(`migrate the account tables: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
