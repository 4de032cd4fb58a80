/**
 * pagePolicy is the Content-Security-Policy of a page whose inline scripts carry nonce.
 * Everything comes from this origin: the browser enforces it. Styles need
 * 'unsafe-inline': React writes style attributes, and the messages in the corner bring
 * a style element of their own. A style cannot run code.
 *
 * @param {string} nonce
 */
export function pagePolicy(nonce) {
  // React's development build evaluates code to rebuild stack traces.
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

/** The policy of what is not a page: nothing of it is to be shown or run. */
export const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

/** What every answer of the frontend carries. The gateway adds HSTS under https.
 * @type {Readonly<Record<string, string>>} */
export const securityHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};
