import { describe, expect, it } from "vitest";
import { originOf, schemeOf } from "./origin";

describe("originOf", () => {
  it.each([
    ["a published port", { host: "127.0.0.1:8081" }, undefined, "http://127.0.0.1:8081"],
    [
      "an ingress that ends TLS",
      { host: "todo.example", "x-forwarded-proto": "https" },
      undefined,
      "https://todo.example",
    ],
    [
      "the host header of the gateway",
      { host: "127.0.0.1:3000", "x-forwarded-host": "todo.example", "x-forwarded-proto": "https" },
      undefined,
      "https://todo.example",
    ],
    [
      "a list of schemes, which is not valid",
      { host: "todo.example", "x-forwarded-proto": "https, http" },
      undefined,
      "http://todo.example",
    ],
    [
      "the public address, also when a proxy reports another scheme",
      { host: "todo.example", "x-forwarded-proto": "http" },
      "https://todo.example/",
      "https://todo.example",
    ],
    [
      "a port-forward next to a public address",
      { host: "127.0.0.1:9000" },
      "https://todo.example",
      "http://127.0.0.1:9000",
    ],
    ["an unknown scheme", { host: "a", "x-forwarded-proto": "ftp" }, undefined, "http://a"],
    ["an invalid host", { host: "a b" }, undefined, "http://localhost"],
  ])("returns the origin for %s", (_case, headers, publicUrl, expected) => {
    const origin = originOf(
      new Headers(headers as HeadersInit),
      publicUrl ? new URL(publicUrl) : undefined,
    );
    expect(origin.origin).toBe(expected);
    expect(schemeOf(origin)).toBe(expected.split(":")[0]);
  });
});
