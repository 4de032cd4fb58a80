export const dynamic = "force-dynamic";

/** Reports that the process is alive, and its image. It uses neither database nor backend. */
export function GET(): Response {
  return Response.json(
    { status: "ok", image: process.env.IMAGE_DIGEST ?? "" },
    { headers: { "cache-control": "no-store" } },
  );
}
