import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { verifyPassword } from "better-auth/crypto";
import { perProcess } from "./process";

/** The minimum cost of scrypt in OWASP's Password Storage Cheat Sheet. Of its equivalent
 * choices, this one needs the least memory (16 MiB) and the least time. */
const cost = { ln: 14, r: 8, p: 5 };
const keyBytes = 64;

const stored =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** oneAtATime returns a function that runs tasks one after another, in the order of the calls.
 * A task runs also when the one before it failed. */
export function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}

// Node would run four at once. That needs four times the memory, and is not faster with the
// 0.3 processors of the chart.
const alone = perProcess("passwords.alone", oneAtATime);

/** Attempt has the hashes of the request that is being handled. */
export interface Attempt {
  /** The hash of the password, created before the transaction of Better Auth. */
  prepared?: { password: string; hash: string };
  /** A hash with the current cost, if the stored hash has another cost and matches. */
  upgraded?: { from: string; to: string };
}

/** currentAttempt holds the Attempt of the request that is being handled. */
export const currentAttempt = perProcess(
  "passwords.attempt",
  () => new AsyncLocalStorage<Attempt>(),
);

type Cost = typeof cost;

function derive(
  password: string,
  salt: Buffer,
  { ln, r, p }: Cost,
  bytes: number,
): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: 2 ** ln * r * 256 };
  return new Promise((resolve, reject) => {
    // Keyboards can write the same password in different Unicode forms.
    scrypt(password.normalize("NFKC"), salt, bytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");

async function makeHash(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, cost, keyBytes);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(key)}`;
}

interface Stored {
  hash: string;
  password: string;
}

async function matches({ hash, password }: Stored): Promise<boolean> {
  const [, ln, r, p, salt, key] = stored.exec(hash) ?? [];
  // Earlier versions stored the format of Better Auth, "salt:key".
  if (salt === undefined || key === undefined) return verifyPassword({ hash, password });
  const expected = Buffer.from(key, "base64");
  const given = await derive(
    password,
    Buffer.from(salt, "base64"),
    { ln: Number(ln), r: Number(r), p: Number(p) },
    expected.length,
  );
  return timingSafeEqual(given, expected);
}

function isCurrent(hash: string): boolean {
  return hash.startsWith(`$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$`);
}

/** passwords hashes and verifies passwords for Better Auth, one at a time. */
export const passwords = {
  hash(password: string): Promise<string> {
    const prepared = currentAttempt.getStore()?.prepared;
    if (prepared?.password === password) return Promise.resolve(prepared.hash);
    return alone(() => makeHash(password));
  },

  verify({ hash, password }: Stored): Promise<boolean> {
    return alone(async () => {
      if (!(await matches({ hash, password }))) return false;
      const attempt = currentAttempt.getStore();
      if (attempt !== undefined && !isCurrent(hash)) {
        attempt.upgraded = { from: hash, to: await makeHash(password) };
      }
      return true;
    });
  },
};
