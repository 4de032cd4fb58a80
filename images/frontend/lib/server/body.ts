import { problem } from "./problem";

/** The maximum length of a body, in bytes. The gateway has the same limit; this one also
 * applies without the gateway. */
const longest = 16 * 1024;

/** The maximum lengths in UTF-16 units, which browsers use for maxlength. */
export const longestEmail = 254;
export const longestName = 100;
export const longestPassword = 128;

const tooLarge = () =>
  problem(413, "BODY_TOO_LARGE", `A request may have at most ${longest} bytes.`);
const invalid = (message: string) => problem(400, "INVALID_BODY", message);

async function readText(request: Request): Promise<string | Response> {
  if (Number(request.headers.get("content-length") ?? 0) > longest) return tooLarge();
  const reader = request.body?.getReader();
  const pieces: Uint8Array[] = [];
  for (let size = 0; reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > longest) {
      await reader.cancel().catch(() => undefined);
      return tooLarge();
    }
    pieces.push(value);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** readObject returns the JSON object in the body of a request, or the response that refuses
 * it. It counts the bytes while it reads, because the length header can be wrong. */
export async function readObject(request: Request): Promise<Record<string, unknown> | Response> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    return problem(415, "UNSUPPORTED_MEDIA_TYPE", "Send JSON, with Content-Type application/json.");
  }
  const text = await readText(request);
  if (text instanceof Response) return text;
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // The response below does not repeat the text of the client.
  }
  return invalid("The body is not a JSON object.");
}

export interface Credentials {
  email: string;
  password: string;
}

/** readCredentials returns the email, in lower case, and the password, or the response that
 * refuses them. */
export function readCredentials(body: Record<string, unknown>): Credentials | Response {
  const { email, password } = body;
  if (typeof email !== "string" || email.length > longestEmail || !/^\S+@\S+$/.test(email)) {
    return problem(400, "INVALID_EMAIL", "The email address is not valid.");
  }
  if (typeof password !== "string" || password === "") {
    return problem(400, "INVALID_PASSWORD", "The password is missing.");
  }
  if (password.length > longestPassword) {
    return problem(
      400,
      "PASSWORD_TOO_LONG",
      `The password may have at most ${longestPassword} characters.`,
    );
  }
  return { email: email.toLowerCase(), password };
}

/** readName returns the name for a new account, or the response that refuses it. */
export function readName(body: Record<string, unknown>): string | Response {
  const name = typeof body.name === "string" ? body.name.trim() : "";
  if (name !== "" && name.length <= longestName) return name;
  return problem(400, "INVALID_NAME", `Enter a name of at most ${longestName} characters.`);
}
