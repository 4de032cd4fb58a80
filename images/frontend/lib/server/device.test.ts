import { expect, it } from "vitest";
import { deviceCookieFor, knownDevice } from "./device";

const secret = "0123456789abcdef0123456789abcdef";
const headersOf = (cookie: string) => new Headers({ cookie: `a=b; ${cookie.split(";")[0]}; c=d` });

it("recognizes a device that has signed in to the account", () => {
  const cookie = deviceCookieFor(secret, "ann", false);
  const id = knownDevice(headersOf(cookie), secret, "ann");
  expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  const renewed = deviceCookieFor(secret, "ann", false, id);
  expect(knownDevice(headersOf(renewed), secret, "ann")).toBe(id);
});

it("rejects a cookie of another account, of another secret, or with a forged signature", () => {
  const cookie = deviceCookieFor(secret, "ann", false);
  expect(knownDevice(headersOf(cookie), secret, "ben")).toBeUndefined();
  expect(knownDevice(headersOf(cookie), `${secret}x`, "ann")).toBeUndefined();
  const forged = cookie.replace(/(?<==.{22})\.(.)/, (_, first) => (first === "A" ? ".B" : ".A"));
  expect(knownDevice(headersOf(forged), secret, "ann")).toBeUndefined();
  expect(knownDevice(new Headers(), secret, "ann")).toBeUndefined();
});

it("limits the cookie to the account routes, and to https where it is used", () => {
  expect(deviceCookieFor(secret, "ann", true)).toMatch(/; Path=\/api\/auth;.*HttpOnly.*; Secure$/);
  expect(deviceCookieFor(secret, "ann", false)).not.toContain("Secure");
});
