import { SignJWT } from "jose";

export const tokenIssuer = "todo-chatbot";
export const tokenAudience = "todo-chatbot-api";

/** The lifetime of a token, in seconds. It is short, because a token cannot be revoked. The
 * session lasts seven days and can be ended; the page exchanges it for the next token. */
export const lifetimeSeconds = 15 * 60;

/** issueToken returns the JWT that the backend accepts for this user. */
export async function issueToken(
  user: { id: string; email: string },
  secret: string,
  now = new Date(),
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return new SignJWT({ email: user.email })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(user.id)
    .setIssuer(tokenIssuer)
    .setAudience(tokenAudience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(new TextEncoder().encode(secret));
}
