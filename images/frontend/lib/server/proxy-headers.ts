import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { securityHeaders } from "../../scripts/security-headers.mjs";

/** Headers that belong to one connection (RFC 9110, section 7.6.1). */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Only answers longer than this are worth compressing, in bytes. */
const compressedFrom = 1_024;

/** endToEnd is a copy without what belongs to the connection. */
function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const copy: OutgoingHttpHeaders = { ...headers };
  const listed = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of [...hopByHop, ...listed]) delete copy[name];
  return copy;
}

/** hasBody tells whether a request brings one (RFC 9112, section 6.3). */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** requestHeaders is what the backend is sent of the browser's headers. */
export function requestHeaders(headers: IncomingHttpHeaders, backend: URL): OutgoingHttpHeaders {
  const sent = endToEnd(headers);
  // The session cookie stays here: the backend knows people by their token only.
  // What is compressed is decided here, so nothing is asked for.
  for (const name of ["accept-encoding", "cookie", "expect"]) delete sent[name];
  sent.host = backend.host;
  sent["x-request-id"] ??= randomUUID();
  if (hasBody(headers) && sent["content-length"] === undefined) {
    sent["transfer-encoding"] = "chunked";
  }
  return sent;
}

function isStream(headers: OutgoingHttpHeaders): boolean {
  return String(headers["content-type"] ?? "").startsWith("text/event-stream");
}

/** responseHeaders is what the browser is sent of the backend's headers. */
export function responseHeaders(headers: IncomingHttpHeaders, backend: URL): OutgoingHttpHeaders {
  const sent = { ...endToEnd(headers), ...securityHeaders };
  const location = headers.location;
  if (location?.startsWith(backend.origin)) {
    sent.location = location.slice(backend.origin.length) || "/";
  }
  if (isStream(sent)) {
    // "no-transform" keeps the compression of a proxy from holding events back.
    sent["cache-control"] = "no-cache, no-transform";
    sent["x-accel-buffering"] = "no";
  } else {
    sent["cache-control"] ??= "no-store";
  }
  return sent;
}

/** compress tells whether the answer to a request is to be compressed, and has its
 * headers say so. */
export function compress(request: IncomingHttpHeaders, answer: OutgoingHttpHeaders): boolean {
  const worth =
    /\bgzip\b/.test(request["accept-encoding"]?.toString() ?? "") &&
    String(answer["content-type"] ?? "").startsWith("application/json") &&
    Number(answer["content-length"] ?? 0) >= compressedFrom &&
    answer["content-encoding"] === undefined;
  if (!worth) return false;
  delete answer["content-length"];
  answer["content-encoding"] = "gzip";
  answer.vary = [answer.vary, "accept-encoding"].filter(Boolean).join(", ");
  return true;
}
