import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, it, vi } from "vitest";
import { backendUrlFor, forward } from "./proxy";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

async function backend(handler: Handler): Promise<URL> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

const browser = (path: string, init?: RequestInit) =>
  new Request(`http://127.0.0.1:8080${path}`, init);

it.each([
  ["/api/livez", "/livez"],
  ["/api/readyz", "/readyz"],
  ["/api/u1/tasks?status=all&q=a%2Fb", "/api/u1/tasks?status=all&q=a%2Fb"],
  ["/api/a%20b%2Fc/tasks/", "/api/a%20b%2Fc/tasks/"],
  ["/api/livez/more", "/api/livez/more"],
])("maps %s to %s on the backend", (path, expected) => {
  const url = backendUrlFor(`http://127.0.0.1:8080${path}`, new URL("http://todo-backend:8000"));
  expect(url.href).toBe(`http://todo-backend:8000${expected}`);
});

it("forwards method, body and token, and keeps what belongs to the connection or the frontend", async () => {
  let seen: { method?: string; body: string; headers: IncomingMessage["headers"] } | undefined;
  const url = await backend(async (request, response) => {
    seen = { method: request.method, body: await bodyOf(request), headers: request.headers };
    response.writeHead(201, {
      "x-total-count": "3",
      connection: "keep-alive, x-hop",
      "x-hop": "1",
    });
    response.end("{}");
  });
  const headers = {
    authorization: "Bearer t",
    cookie: "todo.session_token=s",
    connection: "x-private",
    "x-private": "1",
    te: "trailers",
  };
  const response = await forward(
    browser("/api/u1/tasks", { method: "POST", body: '{"title":"é"}', headers }),
    url,
  );
  expect(response.status).toBe(201);
  expect(response.headers.get("x-total-count")).toBe("3");
  expect(response.headers.get("x-hop")).toBeNull();
  expect(seen?.method).toBe("POST");
  expect(seen?.body).toBe('{"title":"é"}');
  expect(seen?.headers.authorization).toBe("Bearer t");
  expect(seen?.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen?.headers.host).toBe(url.host);
  for (const name of ["cookie", "x-private", "te"]) expect(seen?.headers[name]).toBeUndefined();
});

it("passes events on while the backend is still sending", async () => {
  let finish = () => {};
  const url = await backend((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write("data: 1\n\n");
    finish = () => response.end("data: 2\n\n");
  });
  const response = await forward(browser("/api/u1/chat/stream"), url);
  expect(response.headers.get("cache-control")).toContain("no-transform");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("data: 1\n\n");
  finish();
  expect((await reader?.read())?.value).toBe("data: 2\n\n");
});

it("answers with a body that fits its headers when the backend compresses unasked", async () => {
  const url = await backend((_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(gzipSync("plain"));
  });
  const response = await forward(browser("/api/u1/tasks"), url);
  expect(response.headers.get("content-encoding")).toBeNull();
  expect(await response.text()).toBe("plain");
});

it("keeps the backend's address out of redirects, and does not follow them", async () => {
  const url = await backend((request, response) => {
    response.writeHead(307, { location: `http://${request.headers.host}/api/u1/tasks` });
    response.end();
  });
  const response = await forward(browser("/api/u1/tasks/"), url);
  expect(response.status).toBe(307);
  expect(response.headers.get("location")).toBe("/api/u1/tasks");
});

it.each([204, 304])("passes on a %d without a body", async (status) => {
  const url = await backend((_request, response) => response.writeHead(status).end());
  const response = await forward(browser("/api/u1/tasks/1", { method: "DELETE" }), url);
  expect(response.status).toBe(status);
});

it.each([
  ["GET", 200, 2],
  ["POST", 502, 1],
])("sends a %s whose connection was cut again only if it reads", async (method, status, times) => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  let asked = 0;
  const url = await backend((request, response) => {
    asked += 1;
    if (asked === 1) request.socket.destroy();
    else response.end("[]");
  });
  const response = await forward(browser("/api/u1/tasks", { method }), url);
  expect(response.status).toBe(status);
  expect(asked).toBe(times);
});

it("answers 502 with a sentence for people when the backend is away", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const url = await backend(() => {});
  await new Promise((resolve) => servers[0]?.close(resolve));
  const request = browser("/api/u1/tasks", { headers: { "x-request-id": "r1" } });
  const response = await forward(request, url);
  expect(response.status).toBe(502);
  expect(response.headers.get("x-request-id")).toBe("r1");
  expect((await response.json()).detail).toMatch(/try again/);
  expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({
    cause: "ECONNREFUSED",
    request_id: "r1",
    path: "/api/u1/tasks",
  });
});

it("lets the backend know when the browser goes away", async () => {
  const happened = new EventEmitter();
  const arrived = once(happened, "arrived");
  const closed = once(happened, "closed");
  const url = await backend((_request, response) => {
    response.on("close", () => happened.emit("closed"));
    happened.emit("arrived");
  });
  const controller = new AbortController();
  const answer = forward(browser("/api/u1/chat", { signal: controller.signal }), url);
  await arrived;
  controller.abort();
  await closed;
  expect((await answer).status).toBe(499);
});
