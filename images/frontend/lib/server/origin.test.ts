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
      "the gateway's word for the host",
      { host: "127.0.0.1:3000", "x-forwarded-host": "todo.example", "x-forwarded-proto": "https" },
      undefined,
      "https://todo.example",
    ],
    [
      "that the gateway names one scheme only",
      { host: "todo.example", "x-forwarded-proto": "https, http" },
      undefined,
      "http://todo.example",
    ],
    [
      "the public address, whatever a proxy says of the scheme",
      { host: "todo.example", "x-forwarded-proto": "http" },
      "https://todo.example/",
      "https://todo.example",
    ],
    [
      "a port-forward beside a public address",
      { host: "127.0.0.1:9000" },
      "https://todo.example",
      "http://127.0.0.1:9000",
    ],
    ["a scheme that is none", { host: "a", "x-forwarded-proto": "ftp" }, undefined, "http://a"],
    ["a host that is none", { host: "a b" }, undefined, "http://localhost"],
  ])("knows %s", (_case, headers, publicUrl, expected) => {
    const origin = originOf(
      new Headers(headers as HeadersInit),
      publicUrl ? new URL(publicUrl) : undefined,
    );
    expect(origin.origin).toBe(expected);
    expect(schemeOf(origin)).toBe(expected.split(":")[0]);
  });
});
