import { afterEach, beforeEach, expect, it, vi } from "vitest";

const http = new Headers({ host: "localhost:8080" });
const https = new Headers({ host: "todo.example", "x-forwarded-proto": "https" });

beforeEach(() => {
  // Each test starts like a new process.
  for (const name of ["auth", "runtime"]) {
    Reflect.deleteProperty(globalThis, Symbol.for(`todo-chatbot.${name}`));
  }
  vi.stubEnv("BETTER_AUTH_SECRET", "0123456789abcdef0123456789abcdef");
  vi.stubEnv("DATABASE_HOST", "127.0.0.1");
  vi.stubEnv("DATABASE_NAME", "todo");
  vi.stubEnv("DATABASE_USER", "todo");
  vi.stubEnv("DATABASE_PASSWORD", "todo");
});
afterEach(() => vi.unstubAllEnvs());

/** Evaluates the modules again, as Next.js does for pages and for route handlers. */
async function bundle() {
  vi.resetModules();
  return await import("./auth");
}

it("shares one instance between the bundles of pages and of route handlers", async () => {
  const [pages, handlers] = [await bundle(), await bundle()];
  expect(pages.authFor).not.toBe(handlers.authFor);
  expect(await pages.authFor(http)).toBe(await handlers.authFor(http));
});

it("sets Secure cookies on https only", async () => {
  const { authFor } = await bundle();
  expect((await authFor(http)).options.advanced.useSecureCookies).toBe(false);
  expect((await authFor(https)).options.advanced.useSecureCookies).toBe(true);
});

it("creates one instance for concurrent requests", async () => {
  const { authFor } = await bundle();
  const proxied = new Headers({ host: "todo.example", "x-forwarded-proto": "https" });
  const [first, second] = await Promise.all([authFor(https), authFor(proxied)]);
  expect(first).toBe(second);
});
