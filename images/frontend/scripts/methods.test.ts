import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import "./methods.mjs";

const server = createServer((_, response) => response.end("served"));

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

function ask(method: string): Promise<{ status: number | undefined; allow: string | undefined }> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, allow: answer.headers.allow });
    });
    asked.on("error", reject);
    asked.end();
  });
}

it("lets through what the application may have", async () => {
  expect((await ask("PATCH")).status).toBe(200);
});

it("refuses what fetch forbids", async () => {
  const answer = await ask("TRACE");
  expect(answer.status).toBe(405);
  expect(answer.allow).toContain("GET");
});
