export type Scheme = "http" | "https";

/** originOf returns the origin that the browser used, from the headers of the gateway, which
 * removes such headers of clients. The scheme comes from publicUrl if its host is the host of
 * the request, else from X-Forwarded-Proto. Without a gateway (in development), the host comes
 * from the Host header. */
export function originOf(headers: Headers, publicUrl?: URL): URL {
  const host = headers.get("x-forwarded-host") ?? headers.get("host") ?? "localhost";
  if (publicUrl !== undefined && publicUrl.host === host) return new URL(publicUrl.origin);
  const scheme: Scheme = headers.get("x-forwarded-proto") === "https" ? "https" : "http";
  const origin = `${scheme}://${host}`;
  return new URL(URL.canParse(origin) ? new URL(origin).origin : `${scheme}://localhost`);
}

/** schemeOf returns the scheme of an origin. Cookies are Secure on https only. */
export function schemeOf(origin: URL): Scheme {
  return origin.protocol === "https:" ? "https" : "http";
}
