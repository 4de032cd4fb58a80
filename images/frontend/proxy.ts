import { randomBytes } from "node:crypto";
import { type NextRequest, NextResponse } from "next/server";
import { pagePolicy } from "./scripts/security-headers.mjs";

/** Gives every page a Content-Security-Policy with a nonce of its own. Next.js reads
 * the nonce from the request's policy and writes it into its inline scripts, which
 * differ by page and by person, so that no hash of them could be known. */
export function proxy(request: NextRequest): NextResponse {
  const policy = pagePolicy(randomBytes(16).toString("base64"));
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

export const config = {
  /** Pages, those that do not exist included. */
  matcher: "/((?!api/|_next/static/|livez$|icon\\.svg$).*)",
};
