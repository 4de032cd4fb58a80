import { expect, it } from "vitest";
import { requestHeaders, responseHeaders } from "./proxy-headers";

const backend = new URL("http://todo-backend:8000");

it("keeps what belongs to the connection, and what it lists", () => {
  const sent = requestHeaders(
    { connection: "Keep-Alive, X-Private", "x-private": "1", te: "trailers", accept: "*/*" },
    backend,
  );
  expect(sent).toEqual({
    accept: "*/*",
    host: "todo-backend:8000",
    "x-request-id": expect.any(String),
  });
});

it.each([
  [{ "content-length": "3" }, { "content-length": "3" }],
  [{ "content-length": "0" }, { "content-length": "0" }],
  [{ "transfer-encoding": "chunked" }, { "transfer-encoding": "chunked" }],
  [{}, {}],
])("announces a body as it came: %j", (came, announced) => {
  const { host: _host, "x-request-id": _id, ...sent } = requestHeaders(came, backend);
  expect(sent).toEqual(announced);
});

it("lets nothing be cached that does not say so", () => {
  expect(responseHeaders({}, backend)["cache-control"]).toBe("no-store");
  const cached = responseHeaders({ "cache-control": "max-age=1" }, backend);
  expect(cached["cache-control"]).toBe("max-age=1");
});
