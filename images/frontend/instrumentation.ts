/** Next.js calls register before it answers the first request: a server that cannot
 * work must not become ready. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { start } = await import("./lib/server/start");
  start();
}
