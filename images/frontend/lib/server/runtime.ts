import { Pool } from "pg";
import { type DatabaseSettings, readSettings, type Settings } from "./settings";

interface Runtime {
  settings: Settings;
  pool: Pool;
}

/** perProcess returns what make returned when it was first called under this
 * name. Next.js evaluates a module once per bundle, and pages and route handlers
 * are in different ones; they share globalThis. */
export function perProcess<T>(name: string, make: () => T): T {
  const key = Symbol.for(`todo-chatbot.${name}`);
  const store = globalThis as { [key]?: T };
  store[key] ??= make();
  return store[key];
}

/** openPool returns a pool that connects on first use and survives a database restart. */
export function openPool(database: DatabaseSettings, max: number): Pool {
  const pool = new Pool({
    host: database.host,
    port: database.port,
    database: database.name,
    user: database.user,
    password: database.password,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: "todo-chatbot-frontend",
  });
  // Without a listener, a connection that the server closes ends the process.
  pool.on("error", (error) => console.warn(`database connection lost: ${error.message}`));
  return pool;
}

/** runtime returns the process's settings and pool, reading the environment on
 * first use. It throws a SettingsError when the environment is incomplete. */
export function runtime(): Runtime {
  return perProcess("runtime", () => {
    const settings = readSettings(process.env);
    return { settings, pool: openPool(settings.database, 10) };
  });
}
