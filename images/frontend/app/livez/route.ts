export const dynamic = "force-dynamic";

/** Says that the process answers; touches neither database nor backend. */
export function GET(): Response {
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}
