/** Next.js calls register before the first request. A server with wrong settings must not
 * become ready. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { start } = await import("./lib/server/start");
  start();
}
