import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NextRequest } from "next/server";
import { expect, it } from "vitest";
import { config, proxy } from "@/proxy";
import { nonceOf } from "./nonce";

const asked = () => proxy(new NextRequest("http://localhost/sign-in"));

it("allows only scripts with the nonce of the page", () => {
  const policy = asked().headers.get("content-security-policy") ?? "";
  const scripts = policy.split("; ").find((rule) => rule.startsWith("script-src")) ?? "";
  expect(scripts).toMatch(/^script-src 'self' 'nonce-[A-Za-z0-9+/=]{22,}'$/);
  expect(policy).toContain("object-src 'none'");
  expect(policy).toContain("base-uri 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
});

it("uses a new nonce for each page, the same for Next.js and the browser", () => {
  const [first, second] = [asked(), asked()];
  const nonce = nonceOf(first.headers);
  expect(nonce).toBeDefined();
  expect(nonceOf(second.headers)).not.toBe(nonce);
  expect(first.headers.get("x-middleware-request-content-security-policy")).toBe(
    first.headers.get("content-security-policy"),
  );
});

it("ignores a nonce of the client", () => {
  const forged = "script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA=='";
  const headers = { "content-security-policy": forged };
  const answer = proxy(new NextRequest("http://localhost/sign-in", { headers }));
  expect(nonceOf(answer.headers)).not.toBe("AAAAAAAAAAAAAAAAAAAAAA==");
  expect(answer.headers.get("x-middleware-request-content-security-policy")).not.toContain(
    "AAAAAAAAAAAAAAAAAAAAAA==",
  );
});

it("applies to pages, also to pages that do not exist", () => {
  const page = new RegExp(`^${config.matcher}$`);
  for (const path of ["/", "/sign-in", "/no/such/page"]) expect(path).toMatch(page);
  for (const path of ["/api/auth/token", "/_next/static/chunks/a.js", "/livez"]) {
    expect(path).not.toMatch(page);
  }
});

it("finds a nonce on every inline script in the sources", () => {
  const root = join(import.meta.dirname, "../..");
  for (const folder of ["app", "components"]) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".tsx")) continue;
      const source = readFileSync(join(root, folder, file), "utf8");
      for (const [tag] of source.matchAll(/<script[^>]*>/g)) expect(tag, file).toContain("nonce=");
    }
  }
});
