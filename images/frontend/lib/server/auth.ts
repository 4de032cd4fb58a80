import type { Auth } from "./create-auth";
import { originOf, type Scheme, schemeOf } from "./origin";
import { perProcess } from "./process";
import { runtime } from "./runtime";

const instances = perProcess("auth", () => new Map<Scheme, Auth>());

/** authFor returns the Better Auth instance for the scheme the browser used:
 * they differ in whether cookies are Secure. Better Auth is the largest module
 * by far, so it is loaded when first needed, by the bundle that needs it first. */
export async function authFor(headers: Headers): Promise<Auth> {
  const scheme = schemeOf(originOf(headers, runtime().settings.publicUrl));
  if (!instances.has(scheme)) {
    const { createAuth } = await import("./create-auth");
    if (!instances.has(scheme)) instances.set(scheme, createAuth(scheme));
  }
  return instances.get(scheme) as Auth;
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
