/** unavailable logs the cause and answers 503 with a message for people. */
export function unavailable(cause: unknown): Response {
  console.error(
    JSON.stringify({
      level: "error",
      message: "account service not available",
      cause: cause instanceof Error ? cause.message : String(cause),
    }),
  );
  return Response.json(
    {
      code: "UNAVAILABLE",
      message: "Accounts cannot be reached right now. Please try again in a moment.",
    },
    { status: 503, headers: { "cache-control": "no-store", "retry-after": "2" } },
  );
}
