import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, it, vi } from "vitest";
import { BackendProxy } from "./proxy";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

async function serve(handler: Handler): Promise<URL> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** asking serves a proxy before a backend, and returns how a browser asks it. */
async function asking(backend: URL, patienceMs?: number) {
  const proxy = new BackendProxy(backend, patienceMs);
  const front = await serve((request, response) => {
    void proxy.forward(request, response, request.url ?? "/");
  });
  return (path: string, init?: RequestInit) =>
    fetch(new URL(path, front), { redirect: "manual", ...init });
}

/** before is asking with a backend that handler makes. */
async function before(handler: Handler) {
  return asking(await serve(handler));
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

it.each([
  ["/api/livez", "/livez"],
  ["/api/readyz", "/readyz"],
  ["/api/livez/more", "/api/livez/more"],
  ["/api/u1/tasks?q=a%2Fb", "/api/u1/tasks?q=a%2Fb"],
])("asks the backend at %s for %s", async (path, expected) => {
  const ask = await before((request, response) => response.end(request.url));
  expect(await (await ask(path)).text()).toBe(expected);
});

it("forwards method, body and token, and keeps what belongs to the frontend", async () => {
  let seen: { method?: string; body: string; headers: IncomingMessage["headers"] } | undefined;
  const url = await serve(async (request, response) => {
    seen = { method: request.method, body: await bodyOf(request), headers: request.headers };
    response.writeHead(201, {
      "x-total-count": "3",
      connection: "keep-alive, x-hop",
      "x-hop": "1",
    });
    response.end("{}");
  });
  const ask = await asking(url);
  const headers = { authorization: "Bearer t", cookie: "todo.session_token=s" };
  const response = await ask("/api/u1/tasks", { method: "POST", body: '{"title":"é"}', headers });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-total-count")).toBe("3");
  expect(response.headers.get("x-hop")).toBeNull();
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(seen?.method).toBe("POST");
  expect(seen?.body).toBe('{"title":"é"}');
  expect(seen?.headers.authorization).toBe("Bearer t");
  expect(seen?.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen?.headers.host).toBe(url.host);
  expect(seen?.headers.cookie).toBeUndefined();
});

it.each(["POST", "DELETE"])("streams the body of a %s of unknown length", async (method) => {
  const ask = await before(async (request, response) => response.end(await bodyOf(request)));
  const body = new ReadableStream({
    async start(controller) {
      for (const piece of ["a", "b"]) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const init = { method, body, duplex: "half" } as RequestInit;
  expect(await (await ask("/api/u1/tasks", init)).text()).toBe("ab");
});

it("passes events on while the backend is still sending", async () => {
  let finish = () => {};
  const ask = await before((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write("data: 1\n\n");
    finish = () => response.end("data: 2\n\n");
  });
  const response = await ask("/api/u1/chat/stream", { method: "POST", body: "{}" });
  expect(response.headers.get("cache-control")).toContain("no-transform");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("data: 1\n\n");
  finish();
  expect((await reader?.read())?.value).toBe("data: 2\n\n");
});

it("compresses what is long, and says so", async () => {
  const long = JSON.stringify("todo ".repeat(1_000));
  const ask = await before((request, response) => {
    const body = request.url === "/api/long" ? long : "[]";
    const length = Buffer.byteLength(body);
    response.writeHead(200, { "content-type": "application/json", "content-length": length });
    response.end(body);
  });
  const response = await ask("/api/long");
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(response.headers.get("vary")).toBe("accept-encoding");
  expect(await response.text()).toBe(long);
  expect((await ask("/api/short")).headers.get("content-encoding")).toBeNull();
  const plain = await ask("/api/long", { headers: { "accept-encoding": "identity" } });
  expect(plain.headers.get("content-encoding")).toBeNull();
  const head = await ask("/api/long", { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(long.length));
});

it("passes on what the backend compresses unasked", async () => {
  const ask = await before((_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(gzipSync("plain"));
  });
  expect(await (await ask("/api/u1/tasks")).text()).toBe("plain");
});

it("keeps the backend's address out of redirects, and does not follow them", async () => {
  const ask = await before((request, response) => {
    response.writeHead(307, { location: `http://${request.headers.host}/api/u1/tasks` });
    response.end();
  });
  const response = await ask("/api/u1/tasks/");
  expect(response.status).toBe(307);
  expect(response.headers.get("location")).toBe("/api/u1/tasks");
});

it.each([204, 304])("passes on a %d without a body", async (status) => {
  const ask = await before((_request, response) => response.writeHead(status).end());
  expect((await ask("/api/u1/tasks/1", { method: "DELETE" })).status).toBe(status);
});

it.each([
  ["GET", 200, 2],
  ["POST", 502, 1],
])("sends a %s whose connection was cut again only if it reads", async (method, status, times) => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  let asked = 0;
  const ask = await before((request, response) => {
    asked += 1;
    if (asked === 1) request.socket.destroy();
    else response.end("[]");
  });
  expect((await ask("/api/u1/tasks", { method })).status).toBe(status);
  expect(asked).toBe(times);
});

it("keeps connections for what reads, and none for what changes something", async () => {
  const ports: Record<string, Set<number | undefined>> = { GET: new Set(), POST: new Set() };
  const ask = await before((request, response) => {
    ports[request.method ?? ""]?.add(request.socket.remotePort);
    response.end("{}");
  });
  for (const method of ["GET", "POST", "GET", "POST"]) {
    await (await ask("/api/u1/tasks", { method })).text();
  }
  expect(ports.GET?.size).toBe(1);
  expect(ports.POST?.size).toBe(2);
});

it("asks over another connection when one leads nowhere", async () => {
  const ports: (number | undefined)[] = [];
  const url = await serve((request, response) => {
    ports.push(request.socket.remotePort);
    if (ports.length > 1) response.end("[]");
  });
  const ask = await asking(url, 100);
  expect((await ask("/api/u1/tasks")).status).toBe(200);
  expect(new Set(ports).size).toBe(2);
});

/** addressOfNobody is where nobody listens any more. */
async function addressOfNobody(): Promise<URL> {
  const url = await serve(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return url;
}

it("sends anything again that nobody took", async () => {
  const url = await addressOfNobody();
  const ask = await asking(url);
  const answer = ask("/api/u1/tasks", { method: "POST", body: "milk" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const late = createServer(async (request, response) => response.end(await bodyOf(request)));
  servers.push(late);
  late.listen(Number(url.port), "127.0.0.1");
  expect(await (await answer).text()).toBe("milk");
});

it("answers 502 with a sentence for people when the backend is away", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const ask = await asking(await addressOfNobody());
  const response = await ask("/api/u1/tasks", { headers: { "x-request-id": "r1" } });
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
  const ask = await before((_request, response) => {
    response.on("close", () => happened.emit("closed"));
    happened.emit("arrived");
  });
  const controller = new AbortController();
  const answer = expect(ask("/api/u1/chat", { signal: controller.signal })).rejects.toThrow(
    /abort/,
  );
  await arrived;
  controller.abort();
  await closed;
  await answer;
});

it("cuts an answer off where the backend did", async () => {
  const ask = await before((_request, response) => {
    response.writeHead(200, { "content-length": 10 });
    response.write("half", () => response.destroy());
  });
  await expect((await ask("/api/u1/tasks")).text()).rejects.toThrow();
});
