import { randomBytes } from "node:crypto";
import { getMigrations } from "better-auth/db/migration";
import { Client, Pool } from "pg";
import { authOptions } from "../auth-options";
import { startPostgres } from "./postgres";

export const secret = "0123456789abcdef0123456789abcdef";

/** TestDatabase is an empty database. Its roles are the owner and the others that the
 * test asked for; a role's password is its name. */
export interface TestDatabase {
  owner: string;
  /** A role that does not exist yet; the test may create it. */
  unknownRole: string;
  otherRole: string;
  /** The environment of a process that connects as the given role. */
  env: (role: string) => Record<string, string>;
  url: (role: string) => string;
  /** Executes a statement as the superuser. */
  admin: (sql: string) => Promise<void>;
  drop: () => Promise<void>;
}

async function execute(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** createDatabase creates a database and its roles. The names are unique, because test
 * files that run at the same time can share a server. */
export async function createDatabase(): Promise<TestDatabase> {
  const { admin, stop } = await startPostgres();
  const name = `test_${randomBytes(6).toString("hex")}`;
  const [owner, otherRole, unknownRole] = [`${name}_owner`, `${name}_other`, `${name}_unknown`];
  await execute(
    admin.href,
    ...[owner, otherRole].map((role) => `CREATE ROLE ${role} LOGIN PASSWORD '${role}'`),
    `CREATE DATABASE ${name} OWNER ${owner}`,
  );
  return {
    owner,
    otherRole,
    unknownRole,
    env: (role) => ({
      BETTER_AUTH_SECRET: secret,
      DATABASE_HOST: admin.hostname,
      DATABASE_PORT: admin.port || "5432",
      DATABASE_NAME: name,
      DATABASE_USER: role,
      DATABASE_PASSWORD: role,
    }),
    url: (role) => `postgres://${role}:${role}@${admin.host}/${name}`,
    admin: (sql) => execute(admin.href, sql),
    async drop() {
      await execute(
        admin.href,
        `DROP DATABASE ${name} WITH (FORCE)`,
        `DROP ROLE IF EXISTS ${owner}, ${otherRole}, ${unknownRole}`,
      );
      stop();
    },
  };
}

/** createAccountTables applies the migration of this version as the database's owner. */
export async function createAccountTables(database: TestDatabase): Promise<void> {
  const pool = new Pool({ connectionString: database.url(database.owner), max: 2 });
  const { runMigrations } = await getMigrations(authOptions({ secret, pool, scheme: "http" }));
  await runMigrations();
  await pool.end();
}
