import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getMigrations } from "better-auth/db/migration";
import { Pool } from "pg";
import { authOptions } from "../auth-options";

export interface TestDatabase {
  /** The environment that the server reads. */
  env: Record<string, string>;
  stop: () => void;
}

const secret = "0123456789abcdef0123456789abcdef";
const password = "from-the-tests";

/** Finds the folder of initdb and its companions. */
function binaries(): string | undefined {
  const places = (process.env.PATH ?? "").split(":");
  for (const place of ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]) {
    const versions = existsSync(place) ? readdirSync(place).sort().reverse() : [];
    places.push(...versions.map((version) => join(place, version, "bin")));
  }
  return places.find((place) => existsSync(join(place, "initdb")));
}

/** Why there is no database to test with, or undefined. */
export const noDatabase =
  process.env.TEST_DATABASE_URL || binaries()
    ? undefined
    : "PostgreSQL is not installed: install the package postgresql, or set TEST_DATABASE_URL";

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Runs a command of PostgreSQL, which refuses to be run by root. */
function run(command: string, ...args: string[]): void {
  const as = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  execFileSync(command, args, { ...as, cwd: "/", stdio: ["ignore", "ignore", "inherit"] });
}

/** TEST_DATABASE_URL names a database that may be emptied; otherwise a server is started. */
async function startServer(): Promise<{ url: URL; stop: () => void }> {
  if (process.env.TEST_DATABASE_URL) {
    return { url: new URL(process.env.TEST_DATABASE_URL), stop: () => undefined };
  }
  const folder = binaries() ?? "";
  const data = mkdtempSync(join(tmpdir(), "todo-postgres-"));
  chmodSync(data, 0o777);
  const [cluster, secretFile] = [join(data, "data"), join(data, "password")];
  writeFileSync(secretFile, password, { mode: 0o644 });
  const port = await freePort();
  run(
    join(folder, "initdb"),
    ...["-D", cluster, "-U", "todo", `--pwfile=${secretFile}`, "--auth=scram-sha-256"],
    ...["--encoding=UTF8", "--locale=C", "--no-sync"],
  );
  const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c fsync=off -c unix_socket_directories=${data}`;
  run(
    join(folder, "pg_ctl"),
    "-D",
    cluster,
    "start",
    "-w",
    "-l",
    join(data, "log"),
    "-o",
    settings,
  );
  return {
    url: new URL(`postgres://todo:${password}@127.0.0.1:${port}/postgres`),
    stop() {
      run(join(folder, "pg_ctl"), "-D", cluster, "stop", "-m", "immediate");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** openTestDatabase returns a database with the account tables of this version. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const { url, stop } = await startServer();
  const pool = new Pool({ connectionString: url.href, max: 2 });
  await pool.query("DROP SCHEMA public CASCADE");
  await pool.query("CREATE SCHEMA public");
  const { runMigrations } = await getMigrations(authOptions({ secret, pool, scheme: "http" }));
  await runMigrations();
  await pool.end();
  return {
    stop,
    env: {
      BETTER_AUTH_SECRET: secret,
      DATABASE_HOST: url.hostname,
      DATABASE_PORT: url.port,
      DATABASE_NAME: url.pathname.slice(1),
      DATABASE_USER: url.username,
      DATABASE_PASSWORD: url.password,
    },
  };
}
