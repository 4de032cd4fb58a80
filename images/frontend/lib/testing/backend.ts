import { vi } from "vitest";

type Answer = (request: Request) => Response | Promise<Response>;

/** FakeBackend answers the requests of the application. A route is a method and a path. */
export interface FakeBackend {
  routes: Record<string, Answer>;
  /** The requests for a route, in the order they came. */
  sent: (route: string) => Request[];
  /** False once the session has ended. */
  session: boolean;
  /** False while the computer has no network. */
  online: boolean;
  /** Receives the address of each page that the application goes to. */
  goTo: (address: string) => void;
}

/** startBackend replaces fetch, and the location of the page, until the end of the test. */
export function startBackend(routes: Record<string, Answer> = {}): FakeBackend {
  const requests: { route: string; request: Request }[] = [];
  const backend: FakeBackend = {
    routes,
    sent: (route) => requests.filter((one) => one.route === route).map((one) => one.request),
    session: true,
    online: true,
    goTo: vi.fn<(address: string) => void>(),
  };
  vi.stubGlobal("location", { ...window.location, origin: "http://test", assign: backend.goTo });
  vi.stubGlobal("fetch", async (input: RequestInfo | URL): Promise<Response> => {
    if (!backend.online) throw new TypeError("fetch failed");
    if (input === "/api/auth/token") {
      return backend.session
        ? Response.json({ token: "token", user_id: "u1", expires_in: 900 })
        : Response.json({ message: "Sign in first." }, { status: 401 });
    }
    const request = input as Request;
    const route = `${request.method} ${new URL(request.url).pathname}`;
    requests.push({ route, request: request.clone() });
    if (!backend.session) return Response.json({ detail: "Sign in first." }, { status: 401 });
    const answer = backend.routes[route];
    if (answer === undefined) throw new Error(`the test has no answer for ${route}`);
    return answer(request);
  });
  return backend;
}

/** A stream of server-sent events that a test writes. */
export interface EventStream {
  response: Response;
  send: (name: string, data: unknown) => void;
  /** Ends the stream, as after a complete answer. */
  end: () => void;
}

/** openStream returns an answer that is still being written. Like a browser, it fails once
 * the request is aborted. */
export function openStream(request: Request): EventStream {
  let output: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      output = controller;
    },
  });
  request.signal.addEventListener("abort", () =>
    output?.error(new DOMException("The request was aborted.", "AbortError")),
  );
  return {
    response: new Response(body, { headers: { "content-type": "text/event-stream" } }),
    send(name, data) {
      const text = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
      output?.enqueue(new TextEncoder().encode(text));
    },
    end: () => output?.close(),
  };
}

/** An answer that comes when the test says so. */
export interface Delayed {
  answer: () => Promise<Response>;
  resolve: (response: Response) => void;
}

/** delay returns an answer that waits for resolve. */
export function delay(): Delayed {
  let resolve: (response: Response) => void = () => undefined;
  const promise = new Promise<Response>((done) => {
    resolve = done;
  });
  return { answer: () => promise, resolve: (response) => resolve(response) };
}
