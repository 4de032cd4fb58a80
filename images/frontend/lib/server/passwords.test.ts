import { hashPassword, verifyPassword } from "better-auth/crypto";
import { expect, it, vi } from "vitest";
import { authOptions } from "./auth-options";

vi.mock("better-auth/crypto", { spy: true });

/** The functions that Better Auth is told to use. */
const { password: passwords } = authOptions({
  secret: "",
  pool: null as never,
  scheme: "http",
}).emailAndPassword;

it("stores passwords as Better Auth does, and knows them again", async () => {
  const hash = await passwords.hash("correct horse");
  expect(await verifyPassword({ hash, password: "correct horse" })).toBe(true);
  expect(await passwords.verify({ hash, password: "correct horse" })).toBe(true);
  expect(await passwords.verify({ hash, password: "wrong horse" })).toBe(false);
});

it("works on one password at a time, in the order they came", async () => {
  let running = 0;
  let most = 0;
  const order: string[] = [];
  async function work<T>(password: string, result: T): Promise<T> {
    order.push(password);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve));
    running--;
    return result;
  }
  vi.mocked(hashPassword).mockImplementation((password) => work(password, "hash"));
  vi.mocked(verifyPassword).mockImplementation(({ password }) => work(password, true));
  await Promise.all([
    passwords.hash("a"),
    passwords.verify({ hash: "", password: "b" }),
    passwords.hash("c"),
  ]);
  expect(order).toEqual(["a", "b", "c"]);
  expect(most).toBe(1);
});

it("goes on after a password that could not be worked on", async () => {
  vi.mocked(verifyPassword).mockRejectedValueOnce(new Error("Invalid password hash"));
  vi.mocked(hashPassword).mockResolvedValueOnce("hash");
  const first = passwords.verify({ hash: "x", password: "a" });
  const second = passwords.hash("b");
  await expect(first).rejects.toThrow("Invalid password hash");
  expect(await second).toBe("hash");
});
