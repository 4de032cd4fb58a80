import type { Auth } from "./create-auth";
import { originOf, type Scheme, schemeOf } from "./origin";
import { perProcess } from "./process";
import { runtime } from "./runtime";

const instances = perProcess("auth", () => new Map<Scheme, Auth>());

/** authFor returns the Better Auth instance for the scheme of the browser. There is one for
 * https, with Secure cookies, and one for http. Better Auth is by far the largest module, so
 * it is loaded on first use. */
export async function authFor(headers: Headers): Promise<Auth> {
  const scheme = schemeOf(originOf(headers, runtime().settings.publicUrl));
  if (!instances.has(scheme)) {
    const { createAuth } = await import("./create-auth");
    if (!instances.has(scheme)) instances.set(scheme, createAuth(scheme));
  }
  return instances.get(scheme) as Auth;
}

/** withBrowserOrigin returns the request with the URL that the browser used. Next.js gives the
 * address on which it listens, which differs from the Origin header. */
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
