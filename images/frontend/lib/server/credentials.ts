import { getIP } from "better-auth/api";
import { Attempts, type Limit, signInLimits, signUpLimits } from "./attempts";
import { type Credentials, readCredentials, readName, readObject } from "./body";
import type { Auth } from "./create-auth";
import { deviceCookieFor, knownDevice } from "./device";
import { cause, log } from "./log";
import { passwordProblem } from "./password-policy";
import { type Attempt, currentAttempt, passwords } from "./passwords";
import { problem } from "./problem";
import { perProcess } from "./process";
import type { Runtime } from "./runtime";
import { endOldSessions, storeUpgrade, tidySometimes } from "./sessions";

/** The maximum number of requests that hash a password or wait for it. With 0.3 processors,
 * as in the chart, a hash takes about 0.7 s, so the last request waits for ten seconds. */
const mostHashing = 15;

/** The Retry-After for requests above that number, in seconds. */
const busySeconds = 5;

const hashing = perProcess("credentials.hashing", () => ({ now: 0 }));

/** Asked is a request to sign in or up, with the content of its body. */
interface Asked extends Credentials {
  request: Request;
  auth: Auth;
  runtime: Runtime;
  attempts: Attempts;
  address: string;
  /** The id of the account in counters and logs. */
  account: string;
}

/** addressOf returns the address of the client from the header of the gateway. An IPv6
 * address is reduced to its /64 network, because a household has a whole one. Lists and
 * invalid values count as one unknown address. */
function addressOf(request: Request, auth: Auth): string {
  return getIP(request, auth.options) ?? "unknown";
}

function refuse({ address, account }: Asked, action: string, reason: string): void {
  log("warn", `${action} refused`, { address, account: account.slice(0, 12), reason });
}

async function read(request: Request, auth: Auth, runtime: Runtime) {
  const body = await readObject(request);
  if (body instanceof Response) return body;
  const given = readCredentials(body);
  if (given instanceof Response) return given;
  const attempts = new Attempts(runtime.pool, runtime.settings.authSecret);
  const account = attempts.id(["account", given.email]);
  const address = addressOf(request, auth);
  return { body, asked: { ...given, request, auth, runtime, attempts, address, account } };
}

/** ask sends the known fields, and no others, to Better Auth. */
function ask({ request, auth }: Asked, fields: object, attempt: Attempt): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const known = new Request(request.url, { method: "POST", headers, body: JSON.stringify(fields) });
  return currentAttempt.run(attempt, () => auth.handler(known));
}

/** counted counts an attempt, makes it within the maximum of concurrent hashes, and gives it
 * back unless kept returns true for the status of the response. */
async function counted(
  asked: Asked,
  action: string,
  limits: readonly Limit[],
  make: () => Promise<Response>,
  kept: (status: number) => boolean,
): Promise<Response> {
  const { attempts } = asked;
  const { refusedFor } = await attempts.take(limits);
  if (refusedFor !== undefined) {
    refuse(asked, action, "too many attempts");
    const minutes = Math.ceil(refusedFor / 60);
    const wait = minutes === 1 ? "in a minute" : `in ${minutes} minutes`;
    return problem(429, "TOO_MANY_ATTEMPTS", `Too many attempts. Try again ${wait}.`, refusedFor);
  }
  if (hashing.now >= mostHashing) {
    await attempts.giveBack(limits);
    refuse(asked, action, "too many at the same time");
    const text = "Many people are signing in right now. Please try again in a few seconds.";
    return problem(503, "BUSY", text, busySeconds);
  }
  hashing.now++;
  try {
    const response = await make();
    if (!kept(response.status)) await attempts.giveBack(limits);
    return response;
  } finally {
    hashing.now--;
  }
}

/** signedIn completes the response that starts a session. Failures are only logged, because
 * the person is signed in already. */
async function signedIn(asked: Asked, response: Response, device?: string): Promise<Response> {
  const { auth, account, runtime } = asked;
  const secure = auth.options.advanced.useSecureCookies;
  const headers = new Headers(response.headers);
  headers.append(
    "set-cookie",
    deviceCookieFor(runtime.settings.authSecret, account, secure, device),
  );
  const text = await response.text();
  try {
    const { user } = JSON.parse(text) as { user: { id: string } };
    await endOldSessions(runtime.pool, user.id);
  } catch (error) {
    log("error", "old sessions not ended", { cause: cause(error) });
  }
  tidySometimes(asked.attempts);
  return new Response(text, { status: response.status, headers });
}

/** signIn handles a request to sign in with email and password. Unknown and known accounts
 * are handled in the same way, so that the response does not show which accounts exist. */
export async function signIn(request: Request, auth: Auth, runtime: Runtime): Promise<Response> {
  const given = await read(request, auth, runtime);
  if (given instanceof Response) return given;
  const { asked } = given;
  const device = knownDevice(request.headers, runtime.settings.authSecret, asked.account);
  const attempt: Attempt = {};
  const response = await counted(
    asked,
    "sign-in",
    signInLimits(asked.account, asked.address, device),
    () => ask(asked, { email: asked.email, password: asked.password }, attempt),
    // After a server error, it is unknown whether the password was checked.
    (status) => status === 401 || status >= 500,
  );
  if (response.status === 401) refuse(asked, "sign-in", "wrong email or password");
  else if (response.status === 403) refuse(asked, "sign-in", "request of another origin");
  if (response.status !== 200) return response;
  if (attempt.upgraded !== undefined) await storeUpgrade(runtime.pool, attempt.upgraded);
  return signedIn(asked, response, device);
}

/** signUp handles a request for a new account. It hashes the password before Better Auth
 * opens its transaction, because the transaction occupies a database connection. */
export async function signUp(request: Request, auth: Auth, runtime: Runtime): Promise<Response> {
  const given = await read(request, auth, runtime);
  if (given instanceof Response) return given;
  const { asked, body } = given;
  const name = readName(body);
  if (name instanceof Response) return name;
  const { email, password } = asked;
  const weak = await passwordProblem(password, { name, email });
  if (weak !== undefined) return problem(400, "PASSWORD_NOT_ALLOWED", weak);
  const response = await counted(
    asked,
    "sign-up",
    signUpLimits(asked.address),
    async () => {
      const prepared = { password, hash: await passwords.hash(password) };
      return ask(asked, { name, email, password }, { prepared });
    },
    // 422 shows that the account exists, so it counts too.
    (status) => status === 200 || status === 422 || status >= 500,
  );
  if (response.status === 422) refuse(asked, "sign-up", "account exists");
  return response.status === 200 ? signedIn(asked, response) : response;
}
