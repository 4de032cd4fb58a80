// Asks the application what a visitor would, all the way to the database and
// through the frontend's Service alone. It keeps on for a while: a network
// policy reaches a new pod a moment after its start.
const checks = [
  ["the frontend lives", "/livez", 200, /"ok"/],
  ["the sign-in page is served", "/sign-in", 200, /<html/],
  ["the backend lives", "/api/livez", 200, /"ok"/],
  ["database and schema are ready", "/api/readyz", 200, /"status":\s*"ok"/],
  ["tasks are closed to strangers", "/api/nobody/tasks", 401, /./],
];
const deadline = Date.now() + Number(process.env.PATIENCE_MS ?? 30_000);

async function ask(path, status, pattern) {
  const response = await fetch(process.env.APPLICATION + path, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (response.status !== status) throw new Error(`answered ${response.status}, not ${status}: ${text.slice(0, 200)}`);
  if (!pattern.test(text)) throw new Error(`answered without ${pattern}: ${text.slice(0, 200)}`);
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
