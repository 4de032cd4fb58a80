export type Scheme = "http" | "https";

/** originOf returns the origin the browser used, from the headers that the gateway
 * sets and takes from nobody else. The host gives the address whatever the published
 * port is. The scheme comes from publicUrl when the host is its host, else from
 * X-Forwarded-Proto. Without a gateway, while developing, it is the Host header's. */
export function originOf(headers: Headers, publicUrl?: URL): URL {
  const host = headers.get("x-forwarded-host") ?? headers.get("host") ?? "localhost";
  if (publicUrl !== undefined && publicUrl.host === host) return new URL(publicUrl.origin);
  const scheme: Scheme = headers.get("x-forwarded-proto") === "https" ? "https" : "http";
  const origin = `${scheme}://${host}`;
  return new URL(URL.canParse(origin) ? new URL(origin).origin : `${scheme}://localhost`);
}

/** schemeOf is the scheme of an origin: cookies are Secure exactly on https. */
export function schemeOf(origin: URL): Scheme {
  return origin.protocol === "https:" ? "https" : "http";
}
