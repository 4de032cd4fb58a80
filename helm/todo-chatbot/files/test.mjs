// Checks the application, including the database, through the frontend's Service. It
// retries for a while, because network policies take effect a moment after the start of
// a pod.
const checks = [
  ["the frontend is alive", "/livez", 200, /"ok"/],
  ["the sign-in page is served", "/sign-in", 200, /<html/],
  ["the backend is alive", "/api/livez", 200, /"ok"/],
  ["database and schema are ready", "/api/readyz", 200, /"status":\s*"ok"/],
  ["todos require a sign-in", "/api/nobody/tasks", 401, /./],
];
const deadline = Date.now() + Number(process.env.PATIENCE_MS ?? 30_000);

async function ask(path, status, pattern) {
  const response = await fetch(process.env.APPLICATION + path, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (response.status !== status) throw new Error(`want status ${status}, got ${response.status}: ${text.slice(0, 200)}`);
  if (!pattern.test(text)) throw new Error(`want an answer with ${pattern}, got: ${text.slice(0, 200)}`);
}

for (const [what, path, status, pattern] of checks) {
  for (;;) {
    try {
      await ask(path, status, pattern);
      console.log(`ok    ${what}`);
      break;
    } catch (error) {
      if (Date.now() >= deadline) {
        console.error(`FAIL  ${what}: GET ${process.env.APPLICATION}${path}: ${error.cause?.message ?? error.message}`);
        process.exitCode = 1;
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
