import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { compress, hasBody, requestHeaders, responseHeaders } from "./proxy-headers";

/** Paths that answer under another name on the backend. */
const renamed: Readonly<Record<string, string>> = {
  "/api/livez": "/livez",
  "/api/readyz": "/readyz",
};

/** How long a connection to the backend is kept when nothing goes over it, in
 * milliseconds: less than the backend keeps it. */
const idleMs = 10_000;

/** How long a connection may take to come about, in milliseconds, a lost packet
 * included: the address of a pod that is gone says nothing at all. */
const connectMs = 1_500;

/** How long the backend may be silent when something is only read, in milliseconds:
 * longer than its own patience with the database. Then it is asked again over another
 * connection, as this one may lead to a pod that is gone. */
const readMs = 12_000;

/** How long it may be silent otherwise, in milliseconds. While its model thinks, it
 * says every few seconds that it is still there. */
const silentMs = 300_000;

/** Pauses, in milliseconds, before a request that the backend has not seen, or
 * that only reads, is sent once more. A backend that is replaced is still asked for
 * a moment after it has stopped to listen, and closes the connections kept to it. */
const pauses = [20, 250, 1_000];

/** Thrown where the backend may have seen the request. */
class CutError extends Error {}

function causeOf(error: unknown): string {
  const cause = error instanceof CutError ? error.cause : error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return String(cause);
}

/** BackendProxy forwards requests to the backend and streams both bodies. */
export class BackendProxy {
  private readonly backend: URL;
  private readonly secure: boolean;
  private readonly kept: http.Agent;
  private readonly readMs: number;

  constructor(backend: URL, patienceMs = readMs) {
    this.backend = backend;
    this.readMs = patienceMs;
    this.secure = backend.protocol === "https:";
    const options = { keepAlive: true, timeout: idleMs };
    this.kept = this.secure ? new https.Agent(options) : new http.Agent(options);
  }

  /** forward answers a request with what the backend answers under path. It answers
   * 502 with a readable detail, in the backend's own error shape, when the backend
   * cannot be reached. */
  async forward(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const headers = requestHeaders(request.headers, this.backend);
    let answer: IncomingMessage;
    try {
      answer = await this.send(request, response, {
        method: request.method ?? "GET",
        path: renamed[path] ?? path,
        headers,
      });
    } catch (error) {
      if (!response.closed) this.refuse(request, response, String(headers["x-request-id"]), error);
      return;
    }
    const sent = responseHeaders(answer.headers, this.backend);
    const compressed = request.method !== "HEAD" && compress(request.headers, sent);
    response.writeHead(answer.statusCode ?? 502, sent);
    response.flushHeaders();
    try {
      if (compressed) {
        await pipeline(answer, createGzip({ level: constants.Z_BEST_SPEED }), response);
      } else {
        await pipeline(answer, response);
      }
    } catch {
      // One of both went away in the middle; pipeline has closed the other.
    }
  }

  private refuse(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    error: unknown,
  ): void {
    console.error(
      JSON.stringify({
        level: "error",
        message: "backend not reached",
        method: request.method,
        path: request.url?.split("?")[0],
        cause: causeOf(error),
        request_id: requestId,
      }),
    );
    response.writeHead(502, {
      "content-type": "application/json",
      "cache-control": "no-store",
      "retry-after": "2",
      "x-request-id": requestId,
    });
    response.end(
      JSON.stringify({
        detail: "The todo service cannot be reached right now. Please try again in a moment.",
      }),
    );
  }

  /** send asks, and asks again where nothing can be done twice. */
  private async send(
    request: IncomingMessage,
    response: ServerResponse,
    options: http.RequestOptions,
  ): Promise<IncomingMessage> {
    const reads = /^(GET|HEAD)$/.test(options.method ?? "") && !hasBody(request.headers);
    // What changes something has a connection of its own: one that was kept may
    // just be closed, and then nobody knows whether the backend got it.
    let agent = reads ? this.kept : false;
    const timeout = reads ? this.readMs : silentMs;
    for (const pause of pauses) {
      try {
        return await this.ask(request, response, { ...options, agent, timeout });
      } catch (error) {
        if (response.closed || (error instanceof CutError && !reads)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
        agent = false;
      }
    }
    return this.ask(request, response, { ...options, agent, timeout });
  }

  /** ask resolves as soon as the answer's headers are there. It rejects with a
   * CutError when there was a connection, over which the request may have gone. */
  private ask(
    request: IncomingMessage,
    response: ServerResponse,
    options: http.RequestOptions,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const asked = (this.secure ? https : http).request(this.backend, options);
      const leave = () => asked.destroy();
      const late = () => asked.destroy(new Error("no connection in time"));
      const waiting = setTimeout(late, connectMs);
      response.once("close", leave);
      asked.once("close", () => {
        clearTimeout(waiting);
        response.off("close", leave);
      });
      asked.once("response", resolve);
      asked.once("timeout", () => asked.destroy(new Error("no answer in time")));
      asked.on("error", (error) => {
        request.unpipe(asked);
        reject(connected ? new CutError("the connection was cut", { cause: error }) : error);
      });
      asked.once("socket", (socket) => {
        const begin = () => {
          connected = true;
          clearTimeout(waiting);
          if (hasBody(request.headers)) request.pipe(asked);
          else asked.end();
        };
        if (socket.connecting) socket.once(this.secure ? "secureConnect" : "connect", begin);
        else begin();
      });
    });
  }
}
