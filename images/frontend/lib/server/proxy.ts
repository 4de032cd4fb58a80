/** Headers that belong to one connection (RFC 9110, section 7.6.1), and those
 * that fetch sets itself. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Paths that answer under another name on the backend. */
const renamed: Readonly<Record<string, string>> = {
  "/api/livez": "/livez",
  "/api/readyz": "/readyz",
};

/** backendUrlFor maps a request of the browser to the backend's URL. */
export function backendUrlFor(requestUrl: string, backend: URL): URL {
  const { pathname, search } = new URL(requestUrl);
  const target = new URL(backend);
  target.pathname = renamed[pathname] ?? pathname;
  target.search = search;
  return target;
}

function dropHopByHop(headers: Headers): Headers {
  const listed = (headers.get("connection") ?? "").split(",").map((name) => name.trim());
  for (const name of [...hopByHop, ...listed]) if (name !== "") headers.delete(name);
  return headers;
}

function requestHeaders(request: Request): Headers {
  const headers = dropHopByHop(new Headers(request.headers));
  // The body is streamed, so its length is not announced; fetch decodes
  // compressed answers, so none is asked for. The session cookie stays here:
  // the backend knows people by their token only.
  for (const name of ["host", "content-length", "expect", "cookie"]) headers.delete(name);
  headers.set("accept-encoding", "identity");
  if (!headers.has("x-request-id")) headers.set("x-request-id", crypto.randomUUID());
  return headers;
}

function responseHeaders(response: Response, backend: URL): Headers {
  const headers = dropHopByHop(new Headers(response.headers));
  headers.delete("content-encoding");
  headers.delete("content-length");
  const location = headers.get("location");
  if (location?.startsWith(backend.origin)) {
    headers.set("location", location.slice(backend.origin.length) || "/");
  }
  if (headers.get("content-type")?.startsWith("text/event-stream")) {
    // "no-transform" keeps the compression from holding events back.
    headers.set("cache-control", "no-cache, no-transform");
    headers.set("x-accel-buffering", "no");
  } else if (!headers.has("cache-control")) {
    headers.set("cache-control", "no-store");
  }
  return headers;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return String(cause);
}

/** Pauses, in milliseconds, before a request that only reads is sent once more. A
 * backend that is replaced closes the connections that are kept to it, and one of
 * them may just have been taken. */
const pauses = [20, 250, 1000];

/** send is fetch, again where nothing was answered and nothing can be done twice. */
async function send(target: URL, init: RequestInit): Promise<Response> {
  const reads = init.method === "GET" || init.method === "HEAD";
  for (const pause of reads ? pauses : []) {
    try {
      return await fetch(target, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return fetch(target, init);
}

/** forward sends the request to the backend and streams both bodies. It answers
 * 502 with a readable detail, in the backend's own error shape, when the backend
 * cannot be reached. */
export async function forward(request: Request, backend: URL): Promise<Response> {
  const target = backendUrlFor(request.url, backend);
  const headers = requestHeaders(request);
  const init = {
    method: request.method,
    headers,
    body: request.body,
    redirect: "manual",
    cache: "no-store",
    signal: request.signal,
    ...(request.body ? { duplex: "half" } : {}),
  };
  try {
    const response = await send(target, init as RequestInit);
    return new Response(response.body, {
      status: response.status,
      statusText: response.statusText,
      headers: responseHeaders(response, backend),
    });
  } catch (error) {
    const requestId = headers.get("x-request-id") ?? "";
    if (request.signal.aborted) return new Response(null, { status: 499 });
    console.error(
      JSON.stringify({
        level: "error",
        message: "backend not reached",
        method: request.method,
        path: target.pathname,
        cause: causeOf(error),
        request_id: requestId,
      }),
    );
    return Response.json(
      { detail: "The todo service cannot be reached right now. Please try again in a moment." },
      {
        status: 502,
        headers: { "cache-control": "no-store", "retry-after": "2", "x-request-id": requestId },
      },
    );
  }
}
