import { expect, it } from "vitest";
import { readCredentials, readName, readObject } from "./body";

const json = { "content-type": "application/json" };

function asked(body: BodyInit | undefined, headers: Record<string, string> = json): Request {
  return new Request("http://localhost/api/auth/sign-in/email", {
    method: "POST",
    headers,
    body,
    duplex: "half",
  } as RequestInit);
}

/** A body without a length, in pieces of 1 KiB; read is the number of pieces read. */
function endless(kilobytes: number) {
  const state = { read: 0 };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (state.read++ === kilobytes) controller.close();
      else controller.enqueue(new Uint8Array(1024).fill(0x20));
    },
  });
  return { state, stream };
}

const statusOf = (answer: unknown) => (answer as Response).status;

it("reads an object", async () => {
  expect(await readObject(asked('{"email":"a@b"}'))).toEqual({ email: "a@b" });
  expect(await readObject(asked(undefined))).toEqual({});
});

it("refuses more than 16 KiB, by the length header or while reading", async () => {
  expect(statusOf(await readObject(asked(" ".repeat(16 * 1024 + 1))))).toBe(413);
  const { state, stream } = endless(80 * 1024);
  expect(statusOf(await readObject(asked(stream)))).toBe(413);
  expect(state.read).toBeLessThan(32);
  expect(await readObject(asked(`{"a":"${" ".repeat(16 * 1024 - 8)}"}`))).toHaveProperty("a");
});

it.each(["[]", "1", "null", '"text"', "{", '{"a":}'])(
  "refuses %s, because it is not an object",
  async (text) => {
    expect(statusOf(await readObject(asked(text)))).toBe(400);
  },
);

it("refuses deeply nested JSON without a stack overflow", async () => {
  expect(statusOf(await readObject(asked("[".repeat(16_000))))).toBe(400);
});

it("refuses media types other than JSON", async () => {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  expect(statusOf(await readObject(asked("a=b", type)))).toBe(415);
});

it.each([
  ["no email", { password: "x" }],
  ["an email that is an object", { email: {}, password: "x" }],
  ["a long email", { email: `${"a".repeat(250)}@b.de`, password: "x" }],
  ["an email with a line break", { email: "a@b\nc", password: "x" }],
  ["no password", { email: "a@b" }],
  ["a long password", { email: "a@b", password: "x".repeat(129) }],
])("refuses credentials with %s", (_, body) => {
  expect(statusOf(readCredentials(body))).toBe(400);
});

it("converts the email to lower case", () => {
  expect(readCredentials({ email: "Ann@Example.COM", password: "x" })).toEqual({
    email: "ann@example.com",
    password: "x",
  });
});

it("requires a name that is not blank", () => {
  expect(readName({ name: " Ann " })).toBe("Ann");
  for (const name of ["", "   ", "x".repeat(101), 7, undefined]) {
    expect(statusOf(readName({ name }))).toBe(400);
  }
});
