/** DatabaseSettings is the connection to PostgreSQL. */
export interface DatabaseSettings {
  host: string;
  port: number;
  name: string;
  user: string;
  password: string;
}

/** Settings has the values that differ between environments. They are read at run time. */
export interface Settings {
  /** Signs sessions and the backend's tokens; the backend holds the same value. */
  authSecret: string;
  database: DatabaseSettings;
  /** The address that people use, if the request does not show it. */
  publicUrl: URL | undefined;
}

/** SettingsError lists every problem of the environment at once. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`settings are incomplete:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.name = "SettingsError";
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** HS256 requires a key at least as long as its hash: 32 bytes (RFC 7518, section 3.2). */
const minSecretBytes = 32;

/** Reader collects the problems of all variables, so that one error reports them together. An
 * empty variable counts as missing, because an empty Secret entry is a common mistake. */
class Reader {
  readonly problems: string[] = [];

  constructor(private readonly env: Environment) {}

  required(name: string, purpose: string): string {
    const value = this.env[name] ?? "";
    if (value.trim() === "") this.problems.push(`${name} is missing: set it to ${purpose}`);
    return value;
  }

  port(name: string, fallback: number): number {
    const text = this.env[name];
    if (text === undefined || text === "") return fallback;
    const port = Number(text);
    if (Number.isInteger(port) && port > 0 && port < 65536) return port;
    this.problems.push(`${name} is "${text}": it must be a port, 1 to 65535`);
    return fallback;
  }

  url(name: string, text: string): URL | undefined {
    if (text.trim() === "") return undefined;
    if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
    this.problems.push(`${name} is "${text}": it must be a URL such as https://todo.example`);
    return undefined;
  }
}

function readDatabase(reader: Reader): DatabaseSettings {
  return {
    host: reader.required("DATABASE_HOST", "the host of PostgreSQL"),
    port: reader.port("DATABASE_PORT", 5432),
    name: reader.required("DATABASE_NAME", "the name of the database"),
    user: reader.required("DATABASE_USER", "the database user"),
    password: reader.required("DATABASE_PASSWORD", "the password of the database user"),
  };
}

function readSecret(reader: Reader): string {
  const secret = reader.required("BETTER_AUTH_SECRET", "the secret shared with the backend");
  const bytes = Buffer.byteLength(secret);
  if (bytes > 0 && bytes < minSecretBytes) {
    reader.problems.push(
      `BETTER_AUTH_SECRET has ${bytes} bytes: use at least ${minSecretBytes}, for example "openssl rand -base64 48"`,
    );
  }
  return secret;
}

/** readSettings returns the settings of the server, or throws a SettingsError. */
export function readSettings(env: Environment): Settings {
  const reader = new Reader(env);
  const authSecret = readSecret(reader);
  const database = readDatabase(reader);
  const publicUrl = reader.url("PUBLIC_URL", env.PUBLIC_URL ?? "");
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  return { authSecret, database, publicUrl };
}

/** MigrationSettings is the part of Settings that the schema migration needs. */
export interface MigrationSettings extends Pick<Settings, "authSecret" | "database"> {
  /** The database role of the server, or undefined if the server uses the same as the migration. */
  role: string | undefined;
}

/** readMigrationSettings returns the settings of the migration, or throws a SettingsError. */
export function readMigrationSettings(env: Environment): MigrationSettings {
  const reader = new Reader(env);
  const settings = {
    authSecret: readSecret(reader),
    database: readDatabase(reader),
    role: env.DATABASE_ROLE || undefined,
  };
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  return settings;
}
