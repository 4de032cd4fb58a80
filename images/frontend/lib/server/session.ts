import { headers } from "next/headers";
import { authFor } from "./auth";

/** SessionUser is the signed-in person. */
export interface SessionUser {
  id: string;
  name: string;
  email: string;
}

/** currentUser returns the signed-in person, or undefined. It throws when the database cannot
 * be reached. */
export async function currentUser(): Promise<SessionUser | undefined> {
  const requestHeaders = new Headers(await headers());
  const auth = await authFor(requestHeaders);
  const session = await auth.api.getSession({ headers: requestHeaders });
  if (session === null) return undefined;
  const { id, name, email } = session.user;
  return { id, name, email };
}
