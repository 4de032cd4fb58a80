import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { betterAuth } from "better-auth";
import { build } from "esbuild";
import pg, { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skips } from "../testing/skip";
import { authOptions } from "./auth-options";
import { createDatabase, secret, type TestDatabase } from "./testing/database";
import { noPostgres } from "./testing/postgres";

let database: TestDatabase;
let folder: string;

async function query(user: string, sql: string) {
  const client = new pg.Client({ connectionString: database.url(user) });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The environment of the init container that migrates. */
function migrationEnvironment(role: string): NodeJS.ProcessEnv {
  const { PATH, NODE_ENV } = process.env;
  return { PATH, NODE_ENV, ...database.env(database.owner), DATABASE_ROLE: role };
}

function migrate(role: string) {
  const env = migrationEnvironment(role);
  return spawnSync(process.execPath, [join(folder, "migrate.mjs")], { env, encoding: "utf8" });
}

// The tests ask PostgreSQL what it allows, so they need a real server.
describe.skipIf(skips(noPostgres))("the migration", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "grants-"));
    database = await createDatabase();
    await query(
      database.owner,
      "CREATE TABLE task (id serial PRIMARY KEY, title text); INSERT INTO task (title) VALUES ('tea')",
    );
    await build({
      entryPoints: [resolve(import.meta.dirname, "../../migrate.ts")],
      outfile: join(folder, "migrate.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["pg-native"],
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
      logLevel: "error",
    });
  });

  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it("lets the frontend's role read and write accounts and sessions", async () => {
    const done = migrate(database.otherRole);
    expect(done.stderr).toBe("");
    expect(done.status).toBe(0);

    const pool = new Pool({ connectionString: database.url(database.otherRole), max: 2 });
    const auth = betterAuth({
      ...authOptions({ secret, pool, scheme: "http" }),
      baseURL: "http://localhost:3000",
    });
    const account = { email: "ada@example.org", password: "a correct horse 4 ada" };
    const headers = new Headers({ "x-forwarded-for": "192.0.2.1" });
    const { token, user } = await auth.api.signUpEmail({
      body: { ...account, name: "Ada" },
      headers,
    });
    expect(token).toBeTruthy();
    expect((await auth.api.signInEmail({ body: account, headers })).user.id).toBe(user.id);
    await pool.end();

    const owned = await query(
      database.owner,
      "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'task'",
    );
    expect(owned.length).toBeGreaterThanOrEqual(4);
    for (const { tablename } of owned) {
      // A table that a new version of Better Auth adds needs the grants too.
      await query(database.otherRole, `SELECT * FROM "${tablename}"`);
      await query(database.otherRole, `DELETE FROM "${tablename}" WHERE false`);
    }
  });

  it.each([
    "SELECT * FROM task",
    "DELETE FROM task",
    'DROP TABLE "user"',
    "ALTER TABLE session ADD COLUMN mine text",
    "TRUNCATE session",
    "CREATE TABLE mine (id text)",
    "CREATE FUNCTION lower(varchar) RETURNS text RETURN 'planted'",
  ])("denies the frontend's role: %s", async (sql) => {
    await expect(query(database.otherRole, sql)).rejects.toThrow(/permission denied|must be owner/);
  });

  it("grants missing rights again, and changes nothing when none is missing", async () => {
    await query(database.owner, `REVOKE ALL ON "user", session FROM ${database.otherRole}`);
    expect(migrate(database.otherRole).status).toBe(0);
    await query(database.otherRole, 'SELECT * FROM "user", session');
    const rights =
      "SELECT relname, relacl::text, xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    const before = await query(database.owner, rights);
    expect(migrate(database.otherRole).status).toBe(0);
    expect(await query(database.owner, rights)).toEqual(before);
  });

  it("waits for a role that the server has not created yet", async () => {
    const { unknownRole } = database;
    const migration = spawn(process.execPath, [join(folder, "migrate.mjs")], {
      env: migrationEnvironment(unknownRole),
    });
    let output = "";
    migration.stdout.on("data", (text) => {
      output += text;
    });
    const ended = new Promise((end) => migration.once("exit", end));
    await expect
      .poll(() => output, { timeout: 10_000 })
      .toContain(`role "${unknownRole}" does not exist`);
    await database.admin(`CREATE ROLE ${unknownRole}`);
    expect(await ended).toBe(0);
  });
});
