/**
 * pagePolicy returns the Content-Security-Policy of a page whose inline scripts have nonce.
 * Everything else must come from this origin. Styles need 'unsafe-inline', because React
 * writes style attributes and the library for messages adds a style element. A style cannot
 * run code.
 *
 * @param {string} nonce
 */
export function pagePolicy(nonce) {
  // The development build of React evaluates code to restore stack traces.
  const development = process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : "";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'${development}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The policy of responses that are not pages: the browser shows and runs nothing. */
export const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

/** The headers of every response. The gateway adds HSTS on https.
 * @type {Readonly<Record<string, string>>} */
export const securityHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};
