/** problem answers with a code for programs and a message for people, in the shape
 * of Better Auth's own errors. retryAfter is in seconds. */
export function problem(
  status: number,
  code: string,
  message: string,
  retryAfter?: number,
): Response {
  const headers = new Headers({ "cache-control": "no-store" });
  if (retryAfter !== undefined) headers.set("retry-after", String(Math.max(1, retryAfter)));
  return Response.json({ code, message }, { status, headers });
}
