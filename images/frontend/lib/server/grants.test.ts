import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { betterAuth } from "better-auth";
import { build } from "esbuild";
import pg, { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authOptions } from "./auth-options";

const programs = "/usr/lib/postgresql/15/bin";
const secret = "K4nq8Zr1Vt6Yx3Bm9Cw7Ld2Fh5Gj0PsT";

/** What grants do is PostgreSQL's word, so nothing less than one is asked. The image that runs
 * these tests has none; the pipeline's integration tests ask the one of the cluster. */
const there = existsSync(join(programs, "initdb"));

let folder: string;
let port: number;

/** PostgreSQL refuses to run as root. */
const other = 65534;
const asOther = process.getuid?.() === 0 ? { uid: other, gid: other } : {};

function run(program: string, ...args: string[]) {
  execFileSync(join(programs, program), args, { cwd: folder, stdio: "ignore", ...asOther });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function poolOf(user: string): Pool {
  return new Pool({ host: "127.0.0.1", port, database: "todo", user, password: user, max: 2 });
}

async function query(user: string, sql: string) {
  const client = new pg.Client({ host: "127.0.0.1", port, database: "todo", user, password: user });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The migration's environment, as the init container has it. */
function migrationEnvironment(role: string) {
  return {
    PATH: process.env.PATH,
    DATABASE_HOST: "127.0.0.1",
    DATABASE_PORT: String(port),
    DATABASE_NAME: "todo",
    DATABASE_USER: "todo",
    DATABASE_PASSWORD: "todo",
    DATABASE_ROLE: role,
    BETTER_AUTH_SECRET: secret,
  };
}

function migrate(role: string) {
  const env = migrationEnvironment(role) as unknown as NodeJS.ProcessEnv;
  return spawnSync(process.execPath, [join(folder, "migrate.mjs")], { env, encoding: "utf8" });
}

describe.skipIf(!there)("the migration's grants", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "grants-"));
    port = await freePort();
    chmodSync(folder, 0o755);
    if ("uid" in asOther) chownSync(folder, other, other);
    writeFileSync(join(folder, "password"), "admin", { mode: 0o644 });
    run("initdb", "-D", "data", "-U", "admin", "--pwfile=password", "-A", "scram-sha-256", "-N");
    const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories=${folder} -c fsync=off`;
    run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", settings, "start");
    const admin = new pg.Client({
      host: "127.0.0.1",
      port,
      database: "postgres",
      user: "admin",
      password: "admin",
    });
    await admin.connect();
    for (const role of ["todo", "todo_frontend"]) {
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
    }
    await admin.query("CREATE DATABASE todo OWNER todo");
    await admin.end();
    await query(
      "todo",
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

  afterAll(() => {
    run("pg_ctl", "-D", "data", "-m", "immediate", "stop");
    rmSync(folder, { recursive: true });
  });

  it("let the frontend's role keep accounts and sessions, and see nothing else", async () => {
    const done = migrate("todo_frontend");
    expect(done.stderr).toBe("");
    expect(done.status).toBe(0);

    const pool = poolOf("todo_frontend");
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
      "todo",
      "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'task'",
    );
    expect(owned.length).toBeGreaterThanOrEqual(4);
    for (const { tablename } of owned) {
      // What Better Auth or this application adds has to be granted too.
      await query("todo_frontend", `SELECT * FROM "${tablename}"`);
      await query("todo_frontend", `DELETE FROM "${tablename}" WHERE false`);
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
  ])("do not let it: %s", async (sql) => {
    await expect(query("todo_frontend", sql)).rejects.toThrow(/permission denied|must be owner/);
  });

  it("come back after a restore, and are given once", async () => {
    await query("todo", 'REVOKE ALL ON "user", session FROM todo_frontend');
    expect(migrate("todo_frontend").status).toBe(0);
    await query("todo_frontend", 'SELECT * FROM "user", session');
    const rights =
      "SELECT relname, relacl::text, xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    const before = await query("todo", rights);
    expect(migrate("todo_frontend").status).toBe(0);
    expect(await query("todo", rights)).toEqual(before);
  });

  it("wait for a role that the server has not made yet", async () => {
    const process_ = spawn(process.execPath, [join(folder, "migrate.mjs")], {
      env: migrationEnvironment("made_later") as unknown as NodeJS.ProcessEnv,
    });
    let said = "";
    process_.stdout.on("data", (text) => {
      said += text;
    });
    const ended = new Promise((end) => process_.once("exit", end));
    await expect
      .poll(() => said, { timeout: 10_000 })
      .toContain('role "made_later" does not exist');
    const admin = new pg.Client({
      host: "127.0.0.1",
      port,
      database: "todo",
      user: "admin",
      password: "admin",
    });
    await admin.connect();
    await admin.query("CREATE ROLE made_later");
    await admin.end();
    expect(await ended).toBe(0);
  });
});
