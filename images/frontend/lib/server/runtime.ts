import { Pool } from "pg";
import { log } from "./log";
import { perProcess } from "./process";
import { type DatabaseSettings, readSettings, type Settings } from "./settings";

export interface Runtime {
  settings: Settings;
  pool: Pool;
}

/** What the server's pool is held to; the migration waits for locks longer. */
const serving = {
  /** A statement of an account takes milliseconds. PostgreSQL ends it after this. */
  statement_timeout: 10_000,
  /** When PostgreSQL itself says nothing, the connection is given up. */
  query_timeout: 15_000,
  /** A transaction that nobody goes on with holds its rows no longer than this. */
  idle_in_transaction_session_timeout: 10_000,
  /** A row that another transaction holds is waited for this long. */
  lock_timeout: 5_000,
};

function newPool(database: DatabaseSettings, options: object): Pool {
  const pool = new Pool({
    host: database.host,
    port: database.port,
    database: database.name,
    user: database.user,
    password: database.password,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: "todo-chatbot-frontend",
    ...options,
  });
  // Without a listener, a connection that the server closes ends the process.
  pool.on("error", (cause) => log("warn", "database connection lost", { cause }));
  return pool;
}

/** openPool returns the server's pool: it connects on first use, survives a restart of
 * the database, and waits for nothing without an end. */
export function openPool(database: DatabaseSettings, max = 10): Pool {
  return newPool(database, { max, ...serving });
}

/** openMigrationPool returns the pool of the migration, which sets its own time-outs. */
export function openMigrationPool(database: DatabaseSettings): Pool {
  return newPool(database, { max: 4 });
}

/** runtime returns the process's settings and pool, reading the environment on
 * first use. It throws a SettingsError when the environment is incomplete. */
export function runtime(): Runtime {
  return perProcess("runtime", () => {
    const settings = readSettings(process.env);
    return { settings, pool: openPool(settings.database) };
  });
}
