import { Pool } from "pg";
import { log } from "./log";
import { perProcess } from "./process";
import { type DatabaseSettings, readSettings, type Settings } from "./settings";

export interface Runtime {
  settings: Settings;
  pool: Pool;
}

/** The time-outs of the server's pool. The migration waits longer for locks. */
const serving = {
  /** PostgreSQL cancels a statement after this; normally it takes milliseconds. */
  statement_timeout: 10_000,
  /** The connection is closed when PostgreSQL does not answer. */
  query_timeout: 15_000,
  /** PostgreSQL ends a transaction that is idle, to release its locks. */
  idle_in_transaction_session_timeout: 10_000,
  /** The maximum time to wait for a row that another transaction has locked. */
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
  // Without a listener, a connection that the server closes would end the process.
  pool.on("error", (cause) => log("warn", "database connection lost", { cause }));
  return pool;
}

/** openPool returns the server's pool. It connects on first use, works again after a restart
 * of the database, and has a time-out for every step. */
export function openPool(database: DatabaseSettings, max = 10): Pool {
  return newPool(database, { max, ...serving });
}

/** openMigrationPool returns the pool of the migration, which sets its own time-outs. */
export function openMigrationPool(database: DatabaseSettings): Pool {
  return newPool(database, { max: 4 });
}

/** runtime returns the settings and the pool of the process. It reads the environment on first
 * use, and throws a SettingsError when that is incomplete. */
export function runtime(): Runtime {
  return perProcess("runtime", () => {
    const settings = readSettings(process.env);
    return { settings, pool: openPool(settings.database) };
  });
}
