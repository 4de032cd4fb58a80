export const dynamic = "force-dynamic";

/** Says that the process answers, and which image it runs; touches neither database
 * nor backend. */
export function GET(): Response {
  return Response.json(
    { status: "ok", image: process.env.IMAGE_DIGEST ?? "" },
    { headers: { "cache-control": "no-store" } },
  );
}
