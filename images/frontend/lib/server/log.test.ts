import { afterEach, expect, it, vi } from "vitest";
import { cause, log, logConsole, logLine } from "./log";

const original = { ...console };
afterEach(() => Object.assign(console, original));

it("writes one line, also for values with line breaks", () => {
  const forged = 'x\n{"level":"error","message":"forged"}\r\u2028\u009b31m\u202e';
  const line = logLine("warn", forged, { callbackURL: forged, nested: { forged } });
  expect(line).not.toMatch(/[\r\n\u2028\u009b\u202e]/);
  expect(JSON.parse(line).callbackURL).toBe(forged);
});

it("limits the length of a line", () => {
  const fields = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`f${i}`, "x".repeat(9_000)]),
  );
  expect(logLine("error", "m".repeat(90_000), fields).length).toBeLessThan(12_000);
});

it("writes time, level, message and fields", () => {
  const line = logLine("info", "hello", { n: 1, gone: undefined }, new Date(0));
  expect(JSON.parse(line)).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    message: "hello",
    n: 1,
  });
});

it("returns the messages of an error and of its causes", () => {
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  expect(cause(new Error("query", { cause: refused }))).toBe("query: connect (ECONNREFUSED)");
});

it("makes the console write the same lines", () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  logConsole();
  console.error("first\nsecond", new Error("third\nfourth"), "\u001b[31mred\u001b[0m");
  log("warn", "direct");
  const lines = written.mock.calls.map(([text]) => String(text));
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(lines[0] as string).message).toBe("first\nsecond third\nfourth red");
});
