import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Postgres is a running server; admin is the address of a superuser. */
export interface Postgres {
  admin: URL;
  stop: () => void;
}

const password = "from-the-tests";

/** Finds the folder of initdb and pg_ctl. */
function programs(): string | undefined {
  const places = (process.env.PATH ?? "").split(":");
  for (const place of ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]) {
    const versions = existsSync(place) ? readdirSync(place).sort().reverse() : [];
    places.push(...versions.map((version) => join(place, version, "bin")));
  }
  return places.find((place) => existsSync(join(place, "initdb")));
}

/** The reason why no server can be started, or undefined. */
export const noPostgres =
  process.env.TEST_DATABASE_URL || programs()
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

/** startPostgres starts a server. When TEST_DATABASE_URL is set, it uses that server
 * instead; the URL names a superuser, because tests create roles and databases. */
export async function startPostgres(): Promise<Postgres> {
  if (process.env.TEST_DATABASE_URL) {
    return { admin: new URL(process.env.TEST_DATABASE_URL), stop: () => undefined };
  }
  const folder = programs() ?? "";
  const data = mkdtempSync(join(tmpdir(), "todo-postgres-"));
  chmodSync(data, 0o777);
  const [cluster, secretFile] = [join(data, "data"), join(data, "password")];
  writeFileSync(secretFile, password, { mode: 0o644 });
  const port = await freePort();
  run(
    join(folder, "initdb"),
    ...["-D", cluster, "-U", "admin", `--pwfile=${secretFile}`, "--auth=scram-sha-256"],
    ...["--encoding=UTF8", "--locale=C", "--no-sync"],
  );
  const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c fsync=off -c unix_socket_directories=${data}`;
  const control = join(folder, "pg_ctl");
  run(control, "-D", cluster, "start", "-w", "-l", join(data, "log"), "-o", settings);
  return {
    admin: new URL(`postgres://admin:${password}@127.0.0.1:${port}/postgres`),
    stop() {
      run(control, "-D", cluster, "stop", "-m", "immediate");
      rmSync(data, { recursive: true, force: true });
    },
  };
}
