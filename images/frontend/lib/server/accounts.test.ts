import { hashPassword } from "better-auth/crypto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { skips } from "../testing/skip";
import { perProcess } from "./process";
import { runtime } from "./runtime";
import { cookiesOf, newEmail, password, post, tally } from "./testing/accounts";
import { createAccountTables, createDatabase, type TestDatabase } from "./testing/database";
import { noPostgres } from "./testing/postgres";

// The tests count concurrent attempts, so they need a real server.
const it = test.skipIf(skips(noPostgres));

let database: TestDatabase;
let written: string[];

beforeAll(async () => {
  database = await createDatabase();
  await createAccountTables(database);
  Object.assign(process.env, database.env(database.owner));
});
afterAll(async () => {
  await runtime().pool.end();
  await database.drop();
});
beforeEach(async () => {
  await sql("DELETE FROM attempts");
  written = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});

const sql = async (text: string, values: unknown[] = []) =>
  (await runtime().pool.query(text, values)).rows;

async function signedUp() {
  const email = newEmail();
  const response = await post("sign-up/email", { name: "Ann", email, password });
  expect(response.status).toBe(200);
  return { email, device: cookiesOf(response).match(/todo\.device=[^;]+/)?.[0] ?? "" };
}

const wrong = "walrus under a wrong sky";
const signIn = (email: string, text: string, sent = {}) =>
  post("sign-in/email", { email, password: text }, sent);
const many = <T>(count: number, make: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

it("checks ten of a hundred concurrent wrong passwords and refuses the others", async () => {
  const { email } = await signedUp();
  const counts = tally(await many(100, () => signIn(email, wrong)));
  expect(counts).toEqual({ 401: 10, 429: 90 });
  const refused = await signIn(email, password);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(800);
  expect((await refused.json()).message).toBe("Too many attempts. Try again in 15 minutes.");
});

it("counts attempts by account, also when the email has capital letters", async () => {
  const { email } = await signedUp();
  const counts = tally(await many(12, (i) => signIn(i % 2 ? email.toUpperCase() : email, wrong)));
  expect(counts).toEqual({ 401: 10, 429: 2 });
});

it("returns the same answers for unknown and known accounts", async () => {
  const { email } = await signedUp();
  const known = await many(12, () => signIn(email, wrong));
  const unknown = await many(12, () => signIn("nobody@example.com", wrong));
  expect(tally(unknown)).toEqual(tally(known));
  const texts = async (all: Response[]) => new Set(await Promise.all(all.map((one) => one.text())));
  expect(await texts(unknown)).toEqual(await texts(known));
});

it("limits guesses from many addresses without locking out a known device", async () => {
  const { email, device } = await signedUp();
  const { Attempts, signInLimits } = await import("./attempts");
  const attempts = new Attempts(runtime().pool, runtime().settings.authSecret);
  const account = attempts.id(["account", email]);
  // Counts wrong passwords from six addresses, without the time to hash each.
  const taken = await many(60, (i) => attempts.take(signInLimits(account, `198.51.100.${i % 6}`)));
  expect(taken.filter((one) => one.refusedFor === undefined)).toHaveLength(50);
  const elsewhere = { address: "198.51.100.77" };
  expect((await signIn(email, wrong, elsewhere)).status).toBe(429);
  expect((await signIn(email, password, elsewhere)).status).toBe(429);
  expect((await signIn(email, password, { ...elsewhere, cookie: device })).status).toBe(200);
  const other = await signedUp();
  expect((await signIn(email, password, { ...elsewhere, cookie: other.device })).status).toBe(429);
});

it("does not let one address use up the limit of an account", async () => {
  const { email } = await signedUp();
  await many(200, () => signIn(email, wrong));
  expect((await signIn(email, password, { address: "203.0.113.9" })).status).toBe(200);
});

it("limits the accounts that one address or one IPv6 /64 network tries", async () => {
  const limits = await import("./attempts");
  const attempts = new limits.Attempts(runtime().pool, runtime().settings.authSecret);
  const network = "2001:0db8:0001:0002:0000:0000:0000:0000";
  for (let i = 0; i < 100; i++) await attempts.take(limits.signInLimits(`account-${i}`, network));
  const address = "2001:db8:1:2:ffff::1";
  expect((await signIn("one@example.com", wrong, { address })).status).toBe(429);
  const outside = { address: "2001:db8:1:3::1" };
  expect((await signIn("one@example.com", wrong, outside)).status).toBe(401);
});

it("counts a list of addresses as one unknown address", async () => {
  const { email } = await signedUp();
  const counts = tally(
    await many(30, (i) => signIn(email, wrong, { address: `10.0.0.${i}, 10.0.1.${i}` })),
  );
  expect(counts).toEqual({ 401: 10, 429: 20 });
});

it("does not count sign-ins with the correct password", async () => {
  const { email } = await signedUp();
  for (let i = 0; i < 12; i++) expect((await signIn(email, password)).status).toBe(200);
  const counts = await sql("SELECT count FROM attempts WHERE count > 1");
  expect(counts).toEqual([]);
});

it("limits the accounts that one address creates", async () => {
  const limits = await import("./attempts");
  const attempts = new limits.Attempts(runtime().pool, runtime().settings.authSecret);
  await many(300, () => attempts.take(limits.signUpLimits("192.0.2.1")));
  const account = { name: "Ann", email: newEmail(), password };
  expect((await post("sign-up/email", account)).status).toBe(429);
  expect((await post("sign-up/email", account, { address: "192.0.2.2" })).status).toBe(200);
});

it("holds no connection while passwords wait to be hashed, and limits how many wait", async () => {
  const { pool } = runtime();
  let goOn = () => {};
  const alone = perProcess<(task: () => Promise<void>) => Promise<void>>("passwords.alone", () => {
    throw new Error("passwords.alone does not exist yet");
  });
  const held = alone(() => new Promise<void>((resolve) => (goOn = resolve)));
  const answered: Response[] = [];
  const all = many(100, async () => {
    const response = await post("sign-up/email", { name: "Ann", email: newEmail(), password });
    answered.push(response);
    return response;
  });
  await vi.waitFor(() => expect(answered.length).toBe(85), { timeout: 20_000 });
  expect(tally(answered)).toEqual({ 503: 85 });
  expect(answered[0]?.headers.get("retry-after")).toBe("5");
  await vi.waitFor(() => expect(pool.totalCount - pool.idleCount).toBe(0));
  expect(pool.waitingCount).toBe(0);
  goOn();
  await held;
  expect(tally(await all)).toEqual({ 200: 15, 503: 85 });
});

it("logs one line for a failed sign-in, without text from the client", async () => {
  const forged = 'http://x\n{"level":"error","message":"forged"}';
  const fields = { email: "secret-person@example.com", password: wrong, callbackURL: forged };
  const response = await post("sign-in/email", fields, { address: "192.0.2.44" });
  expect(response.status).toBe(401);
  expect(written).toHaveLength(1);
  const line = JSON.parse(written[0] as string);
  expect(line).toMatchObject({
    level: "warn",
    message: "sign-in refused",
    address: "192.0.2.44",
    reason: "wrong email or password",
  });
  expect(written.join()).not.toMatch(/forged|secret-person|walrus/);
});

it("stores neither network addresses nor emails in the counters", async () => {
  await signIn("secret-person@example.com", wrong, { address: "192.0.2.55" });
  const rows = await sql("SELECT id FROM attempts");
  expect(rows.length).toBeGreaterThan(2);
  for (const { id } of rows) expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

it("replaces the weaker hash of an earlier version at the next sign-in", async () => {
  const { email } = await signedUp();
  const of = `FROM account WHERE user_id = (SELECT id FROM "user" WHERE email = $1)`;
  const earlier = await hashPassword(password);
  await sql(`UPDATE account SET password = $2 WHERE id = (SELECT id ${of})`, [email, earlier]);
  expect((await signIn(email, wrong)).status).toBe(401);
  expect((await sql(`SELECT password ${of}`, [email]))[0].password).toBe(earlier);
  expect((await signIn(email, password)).status).toBe(200);
  const [{ password: hash }] = (await sql(`SELECT password ${of}`, [email])) as [
    { password: string },
  ];
  expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
  expect((await signIn(email, password)).status).toBe(200);
});

it("keeps the twenty newest sessions of an account", async () => {
  const { email } = await signedUp();
  const [{ id }] = (await sql(`SELECT id FROM "user" WHERE email = $1`, [email])) as [
    { id: string },
  ];
  await sql(
    `INSERT INTO session (id, user_id, token, expires_at, created_at, updated_at)
     SELECT 'old-' || n, $1, 'old-' || n, now() + interval '1 day', now() - interval '1 hour', now()
     FROM generate_series(1, 40) AS n`,
    [id],
  );
  const answer = await signIn(email, password);
  const { token } = (await answer.json()) as { token: string };
  const kept = await sql("SELECT token FROM session WHERE user_id = $1", [id]);
  expect(kept).toHaveLength(20);
  expect(kept.map((row) => row.token)).toContain(token);
});

it("deletes expired counters and sessions", async () => {
  const { Attempts } = await import("./attempts");
  const { email } = await signedUp();
  await sql("UPDATE attempts SET expires_at = now() - interval '1 second'");
  await sql("UPDATE session SET expires_at = now() - interval '1 second'");
  await new Attempts(runtime().pool, "secret").tidy();
  expect(await sql("SELECT id FROM attempts")).toEqual([]);
  expect(await sql("SELECT id FROM session")).toEqual([]);
  expect((await signIn(email, password)).status).toBe(200);
});

it.each(["update-user", "change-password", "verify-password", "delete-user", "sign-in/social"])(
  "returns 404 for %s",
  async (path) => {
    expect((await post(path, {})).status).toBe(404);
  },
);

it.each([
  ["123456789012345", "sequence of keys"],
  ["Ann Example, 2026-11-30", "your name"],
  ["passwordpassword1", "too common"],
  ["too short", "at least 15"],
])("refuses a new account with the password %s", async (text, reason) => {
  const response = await post("sign-up/email", {
    name: "Ann Example",
    email: newEmail(),
    password: text,
  });
  expect(response.status).toBe(400);
  const { code, message } = (await response.json()) as { code: string; message: string };
  expect(code).toBe("PASSWORD_NOT_ALLOWED");
  expect(message).toContain(reason);
});
