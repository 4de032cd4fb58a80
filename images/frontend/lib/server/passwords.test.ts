import { hashPassword } from "better-auth/crypto";
import { expect, it } from "vitest";
import { authOptions } from "./auth-options";
import { type Attempt, currentAttempt, oneAtATime } from "./passwords";

/** The functions that Better Auth uses. */
const { password: passwords } = authOptions({
  secret: "",
  pool: null as never,
  scheme: "http",
}).emailAndPassword;

it("hashes with the minimum cost of OWASP and verifies the password", async () => {
  const hash = await passwords.hash("correct horse");
  expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
  expect(await passwords.verify({ hash, password: "correct horse" })).toBe(true);
  expect(await passwords.verify({ hash, password: "wrong horse" })).toBe(false);
  expect(await passwords.hash("correct horse")).not.toBe(hash);
});

it("verifies a password in another Unicode form", async () => {
  const hash = await passwords.hash("caf\u00e9 au lait");
  expect(await passwords.verify({ hash, password: "cafe\u0301 au lait" })).toBe(true);
});

it("verifies a hash of an earlier version and creates a stronger one", async () => {
  const hash = await hashPassword("correct horse");
  const attempt: Attempt = {};
  const verify = (password: string) =>
    currentAttempt.run(attempt, () => passwords.verify({ hash, password }));
  expect(await verify("wrong horse")).toBe(false);
  expect(attempt.upgraded).toBeUndefined();
  expect(await verify("correct horse")).toBe(true);
  expect(attempt.upgraded?.from).toBe(hash);
  const stronger = { hash: attempt.upgraded?.to ?? "", password: "correct horse" };
  expect(await passwords.verify(stronger)).toBe(true);
});

it("returns the hash that was prepared before the transaction", async () => {
  const prepared = { password: "correct horse", hash: "made before" };
  await currentAttempt.run({ prepared }, async () => {
    expect(await passwords.hash("correct horse")).toBe("made before");
    expect(await passwords.hash("another one")).toMatch(/^\$scrypt\$/);
  });
});

it("runs tasks one after another, in order, and continues after a failure", async () => {
  const alone = oneAtATime();
  let running = 0;
  let most = 0;
  const order: string[] = [];
  const work = (name: string) =>
    alone(async () => {
      order.push(name);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve));
      running--;
      if (name === "b") throw new Error("cannot be hashed");
      return name;
    });
  const results = await Promise.allSettled([work("a"), work("b"), work("c")]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(order).toEqual(["a", "b", "c"]);
  expect(most).toBe(1);
});
