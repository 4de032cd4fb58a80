export type Scheme = "http" | "https";

/** originOf returns the origin the browser used. The Host header gives the
 * address whatever the published port is. The scheme comes from publicUrl when
 * the host is its host, else from X-Forwarded-Proto, which the ingress or, in
 * its absence, Next.js sets. */
export function originOf(headers: Headers, publicUrl?: URL): URL {
  const host = headers.get("host") ?? "localhost";
  if (publicUrl !== undefined && publicUrl.host === host) return new URL(publicUrl.origin);
  const forwarded = headers.get("x-forwarded-proto")?.split(",")[0]?.trim();
  const scheme: Scheme = forwarded === "https" ? "https" : "http";
  const origin = `${scheme}://${host}`;
  return new URL(URL.canParse(origin) ? new URL(origin).origin : `${scheme}://localhost`);
}

/** schemeOf is the scheme of an origin: cookies are Secure exactly on https. */
export function schemeOf(origin: URL): Scheme {
  return origin.protocol === "https:" ? "https" : "http";
}
