import { randomBytes } from "node:crypto";
import { type NextRequest, NextResponse } from "next/server";
import { pagePolicy } from "./scripts/security-headers.mjs";

/** proxy sets the Content-Security-Policy of each page, with a new nonce. Next.js reads the
 * nonce from the policy of the request and adds it to its inline scripts. Their content
 * differs by page and person, so hashes cannot replace the nonce. */
export function proxy(request: NextRequest): NextResponse {
  const policy = pagePolicy(randomBytes(16).toString("base64"));
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

export const config = {
  /** All pages, also those that do not exist. */
  matcher: "/((?!api/|_next/static/|livez$|icon\\.svg$).*)",
};
