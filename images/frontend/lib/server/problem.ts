/** problem returns an error response in the format of Better Auth: a code for programs and a
 * message for people. retryAfter is in seconds. */
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
