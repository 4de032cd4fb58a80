import { headers } from "next/headers";
import { authFor } from "./auth";

/** SessionUser is what pages know of the person signed in. */
export interface SessionUser {
  id: string;
  name: string;
  email: string;
}

/** currentUser returns who is signed in, or undefined. It reads the database
 * and throws when that cannot be reached. */
export async function currentUser(): Promise<SessionUser | undefined> {
  const requestHeaders = new Headers(await headers());
  const auth = await authFor(requestHeaders);
  const session = await auth.api.getSession({ headers: requestHeaders });
  if (session === null) return undefined;
  const { id, name, email } = session.user;
  return { id, name, email };
}
