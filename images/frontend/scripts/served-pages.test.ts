import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { skips } from "../lib/testing/skip";

const folder = join(import.meta.dirname, "../.next/standalone");
const built = existsSync(join(folder, "server.js"));
const it = test.skipIf(
  skips(built ? undefined : 'the application is not built: run "npm run build" first'),
);

let server: ChildProcess | undefined;
let base = "";

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function answers(): Promise<boolean> {
  return fetch(`${base}/livez`).then(
    (response) => response.ok,
    () => false,
  );
}

beforeAll(async () => {
  const [port, nobody] = [await freePort(), await freePort()];
  base = `http://127.0.0.1:${port}`;
  server = spawn(process.execPath, ["server.js"], {
    cwd: folder,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      HOSTNAME: "127.0.0.1",
      PORT: String(port),
      IMAGE_DIGEST: "sha256:of-the-image",
      BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
      DATABASE_HOST: "127.0.0.1",
      // No server listens on this port, so the application page becomes the error page.
      DATABASE_PORT: String(nobody),
      DATABASE_NAME: "todo",
      DATABASE_USER: "todo",
      DATABASE_PASSWORD: "todo",
    },
  });
  const deadline = Date.now() + 25_000;
  while (!(await answers())) {
    if (Date.now() > deadline || server.exitCode !== null)
      throw new Error("the server did not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}, 30_000);
afterAll(() => {
  server?.kill();
});

it.each([
  ["/sign-in", 200],
  ["/sign-up", 200],
  ["/no/such/page", 404],
  ["/", 500],
])("serves %s with a nonce on every script", async (path, status) => {
  const response = await fetch(base + path);
  expect(response.status).toBe(status);
  const policy = response.headers.get("content-security-policy") ?? "";
  const nonce = /script-src 'self' 'nonce-([^']+)';/.exec(policy)?.[1];
  expect(nonce).toBeDefined();
  const scripts = (await response.text()).match(/<script\b[^>]*>/g) ?? [];
  expect(scripts.length).toBeGreaterThan(5);
  for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`);
});

it("has a static error page that needs no script", async () => {
  // Its inline scripts have no nonce, so the browser blocks them.
  const response = await fetch(`${base}/_global-error`);
  expect(response.status).toBe(500);
  const text = (await response.text()).replace(/<script\b.*?<\/script>/gs, "");
  expect(text).toContain("A server error occurred. Reload to try again.");
  expect(text).toMatch(/<form[^>]*><button type="submit"[^>]*>Reload/);
});

it("forbids all content in responses that are not pages", async () => {
  for (const path of ["/livez", "/api/auth/token"]) {
    const response = await fetch(base + path);
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
  }
});

it("reports its image", async () => {
  const response = await fetch(`${base}/livez`);
  expect(await response.json()).toEqual({ status: "ok", image: "sha256:of-the-image" });
});

it("refuses a long request before it uses the database", async () => {
  const body = JSON.stringify({ email: "x".repeat(17_000) });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${base}/api/auth/sign-in/email`, { method: "POST", headers, body });
  expect(response.status).toBe(413);
});
