import { type IncomingMessage, Server, type ServerResponse } from "node:http";
import type { BackendProxy } from "./proxy";

/** The methods that something here answers. Next.js makes a Request of everything,
 * and fails with 500 on what fetch forbids, such as TRACE. */
const known = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/** backendPath is what to ask the backend for, or undefined for what Next.js
 * answers itself: pages, files, and all that has to do with sessions. */
export function backendPath(url: string): string | undefined {
  if (!URL.canParse(url, "http://frontend")) return undefined;
  const { pathname, search } = new URL(url, "http://frontend");
  const ours = pathname === "/api/auth" || pathname.startsWith("/api/auth/");
  return pathname.startsWith("/api/") && !ours ? pathname + search : undefined;
}

/** interceptRequests has every HTTP server of this process forward what is the backend's
 * and refuse methods that nothing has, before Next.js sees it. A call through
 * Next.js's router and fetch costs several times the processor time, and the
 * specification gives the frontend 0.3 processors. Next.js offers no place for
 * this: its standalone server makes its own http.Server. */
export function interceptRequests(proxy: Pick<BackendProxy, "forward">): void {
  const { emit } = Server.prototype;

  function emitOthers(this: Server, event: string, ...args: unknown[]): boolean {
    if (event !== "request") return Reflect.apply(emit, this, [event, ...args]);
    const [request, response] = args as [IncomingMessage, ServerResponse];
    if (!known.includes(request.method ?? "")) {
      response.writeHead(405, { allow: known.join(", "), "content-type": "application/json" });
      response.end(JSON.stringify({ detail: "This address does not answer to that method." }));
      return true;
    }
    const path = backendPath(request.url ?? "/");
    if (path === undefined) return Reflect.apply(emit, this, [event, ...args]);
    void proxy.forward(request, response, path);
    return true;
  }

  Server.prototype.emit = emitOthers;
}
