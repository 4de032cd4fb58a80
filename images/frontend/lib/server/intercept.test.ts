import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { backendPath, interceptRequests } from "./intercept";

const server = createServer((_, response) => response.end("by Next.js"));

beforeAll(() => {
  interceptRequests({
    forward: async (_: IncomingMessage, response: ServerResponse, path: string) => {
      response.end(`by the backend: ${path}`);
    },
  });
  return new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

interface Answer {
  status: number | undefined;
  allow: string | undefined;
  text: string;
}

function ask(method: string, path: string): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path }, async (answer) => {
      let text = "";
      for await (const piece of answer) text += piece;
      resolve({ status: answer.statusCode, allow: answer.headers.allow, text });
    });
    asked.on("error", reject);
    asked.end();
  });
}

it.each([
  ["/api/livez", "/api/livez"],
  ["/api/u1/tasks?status=all&q=a%2Fb", "/api/u1/tasks?status=all&q=a%2Fb"],
  ["/api/a%20b%2Fc/tasks/", "/api/a%20b%2Fc/tasks/"],
  ["/api/authority/tasks", "/api/authority/tasks"],
  ["http://other.example/api/u1/tasks", "/api/u1/tasks"],
  ["/api/u1/../../livez", undefined],
  ["/api/u1/../auth/token", undefined],
  ["/api/auth", undefined],
  ["/api/auth/sign-in/email", undefined],
  ["/api", undefined],
  ["/", undefined],
  ["/livez", undefined],
  ["/_next/static/api/x.js", undefined],
  ["http://[/api/", undefined],
])("has %s answered by %s", (url, path) => {
  expect(backendPath(url)).toBe(path);
});

it("sends each request to the one who answers it", async () => {
  expect((await ask("PATCH", "/api/u1/tasks/1/complete")).text).toBe(
    "by the backend: /api/u1/tasks/1/complete",
  );
  expect((await ask("GET", "/api/auth/token")).text).toBe("by Next.js");
});

it("refuses what fetch forbids", async () => {
  const answer = await ask("TRACE", "/api/u1/tasks");
  expect(answer.status).toBe(405);
  expect(answer.allow).toContain("GET");
});
