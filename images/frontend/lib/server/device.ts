import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The name of the cookie that identifies a browser after a sign-in, so that wrong passwords
 * of other people do not lock it out (a device cookie, in the words of OWASP). It does not
 * authenticate anybody. */
export const deviceCookie = "todo.device";

/** 90 days, in seconds. */
const lifetime = 90 * 24 * 60 * 60;

function mac(secret: string, account: string, id: string): Buffer {
  return createHmac("sha256", secret)
    .update(JSON.stringify(["device", account, id]))
    .digest();
}

/** knownDevice returns the id of the device, if its cookie shows an earlier sign-in to the
 * account. */
export function knownDevice(headers: Headers, secret: string, account: string): string | undefined {
  const pattern = /(?:^|;\s*)todo\.device=([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})(?:;|$)/;
  const [, id, given] = pattern.exec(headers.get("cookie") ?? "") ?? [];
  if (id === undefined || given === undefined) return undefined;
  const expected = mac(secret, account, id);
  const bytes = Buffer.from(given, "base64url");
  return bytes.length === expected.length && timingSafeEqual(bytes, expected) ? id : undefined;
}

/** deviceCookieFor returns the Set-Cookie header after a sign-in. */
export function deviceCookieFor(
  secret: string,
  account: string,
  secure: boolean,
  id = randomBytes(16).toString("base64url"),
): string {
  const value = `${id}.${mac(secret, account, id).toString("base64url")}`;
  const attributes = `Path=/api/auth; Max-Age=${lifetime}; HttpOnly; SameSite=Lax`;
  return `${deviceCookie}=${value}; ${attributes}${secure ? "; Secure" : ""}`;
}
