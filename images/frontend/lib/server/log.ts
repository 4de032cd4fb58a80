export type Level = "debug" | "info" | "warn" | "error";

/** The maximum length of a value, in characters. Otherwise long values of a client could
 * fill the disk of the node. */
const longest = 500;
/** The maximum number of fields of a line. */
const mostFields = 20;

/** cause returns the message of an error and the messages of its causes. */
export function cause(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === "string" ? error : String(error);
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  const inner = error.cause === undefined ? "" : `: ${cause(error.cause)}`;
  return `${error.message || error.name}${code}${inner}`;
}

function bounded(value: unknown): string | number | boolean | null {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  let text: string;
  if (typeof value === "string") text = value;
  else if (value instanceof Error) text = cause(value);
  else text = json(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** logLine returns a JSON object on one line. Line breaks and control characters in values
 * are escaped, so that a value cannot forge a line. */
export function logLine(
  level: Level,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
  now = new Date(),
): string {
  const line: Record<string, unknown> = {
    time: now.toISOString(),
    level,
    message: bounded(message),
  };
  for (const [name, value] of Object.entries(fields).slice(0, mostFields)) {
    if (value !== undefined) line[name] = bounded(value);
  }
  // JSON does not escape these characters, but terminals and log viewers interpret them.
  return JSON.stringify(line).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** log writes one line to standard error. */
export function log(
  level: Level,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  process.stderr.write(`${logLine(level, message, fields)}\n`);
}

/** logConsole passes the console output of libraries to log. Next.js and Better Auth print
 * errors that contain text of the client. */
export function logConsole(): void {
  const levels = {
    debug: "debug",
    log: "info",
    info: "info",
    warn: "warn",
    error: "error",
  } as const;
  for (const [name, level] of Object.entries(levels)) {
    console[name as keyof typeof levels] = (...values: unknown[]) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal.
      const texts = values.map((value) => String(bounded(value)).replace(/\u001b\[[0-9;]*m/g, ""));
      log(level, texts.join(" ").trim());
    };
  }
}
