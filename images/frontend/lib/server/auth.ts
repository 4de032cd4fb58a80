import { betterAuth } from "better-auth";
import { authOptions } from "./auth-options";
import { originOf, type Scheme, schemeOf } from "./origin";
import { runtime } from "./runtime";

function createAuth(scheme: Scheme) {
  const { settings, pool } = runtime();
  return betterAuth(
    authOptions({
      secret: settings.authSecret,
      pool,
      scheme,
      trustedOrigins: settings.publicUrl ? [settings.publicUrl.origin] : [],
    }),
  );
}

type Auth = ReturnType<typeof createAuth>;

const instances = new Map<Scheme, Auth>();

/** authFor returns the Better Auth instance for the scheme the browser used:
 * they differ in whether cookies are Secure. */
export function authFor(headers: Headers): Auth {
  const scheme = schemeOf(originOf(headers, runtime().settings.publicUrl));
  let auth = instances.get(scheme);
  if (auth === undefined) {
    auth = createAuth(scheme);
    instances.set(scheme, auth);
  }
  return auth;
}

/** withBrowserOrigin returns the request as the browser addressed it. Next.js
 * reports the address it listens on, which no browser sends as Origin. */
export function withBrowserOrigin(request: Request): Request {
  const { pathname, search } = new URL(request.url);
  const origin = originOf(request.headers, runtime().settings.publicUrl);
  return new Request(new URL(pathname + search, origin), {
    method: request.method,
    headers: request.headers,
    body: request.body,
    signal: request.signal,
    ...(request.body ? { duplex: "half" } : {}),
  } as RequestInit);
}
