import { afterEach, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { authorizedFetch, TokenSource } from "./token";

/** A server whose valid token can change. It returns the body of the request. */
function server({ session = true } = {}) {
  const state = { session, valid: "t1", issued: 0 };
  const fetch = async (input: RequestInfo | URL): Promise<Response> => {
    if (input === "/api/auth/token") {
      state.issued += 1;
      return state.session
        ? Response.json({ token: state.valid, user_id: "u1", expires_in: 900 })
        : Response.json({ message: "Sign in first." }, { status: 401 });
    }
    const request = input as Request;
    const status = request.headers.get("authorization") === `Bearer ${state.valid}` ? 200 : 401;
    return new Response(await request.text(), { status });
  };
  return { state, fetch };
}

afterEach(() => vi.useRealTimers());

const request = () =>
  new Request("http://localhost/api/u1/chat", { method: "POST", body: "hello" });

it("requests the token once", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  const answers = await Promise.all([send(request()), send(request())]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  expect(state.issued).toBe(1);
});

it("gets a new token when the old one is refused, and repeats the request", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  await send(request());
  state.valid = "t2";
  const answer = await send(request());
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("hello");
  expect(state.issued).toBe(2);
});

it("reports the end of the session", async () => {
  const { fetch } = server({ session: false });
  const onSignedOut = vi.fn();
  const send = authorizedFetch(new TokenSource(fetch), fetch, onSignedOut);
  await expect(send(request())).rejects.toMatchObject({ status: 401, message: "Sign in first." });
  expect(onSignedOut).toHaveBeenCalledOnce();
});

it("requests the token again after a failure", async () => {
  const { fetch } = server();
  let down = true;
  const flaky = (input: RequestInfo | URL) =>
    down ? Promise.reject(new TypeError("fetch failed")) : fetch(input);
  const onSignedOut = vi.fn();
  const send = authorizedFetch(new TokenSource(flaky), flaky, onSignedOut);
  await expect(send(request())).rejects.toBeInstanceOf(ApiError);
  await expect(send(request())).rejects.toMatchObject({ kind: "offline" });
  down = false;
  expect((await send(request())).status).toBe(200);
  expect(onSignedOut).not.toHaveBeenCalled();
});

const minutes = (n: number) => n * 60_000;

it("renews the token once before it expires, also for concurrent requests", async () => {
  vi.useFakeTimers();
  const { state, fetch } = server();
  const tokens = new TokenSource(fetch);
  expect(await tokens.get()).toBe("t1");
  state.valid = "t2";
  vi.advanceTimersByTime(minutes(12));
  expect(await tokens.get()).toBe("t1");
  vi.advanceTimersByTime(minutes(1.5));
  expect(await Promise.all([tokens.get(), tokens.get(), tokens.get()])).toEqual(["t2", "t2", "t2"]);
  expect(state.issued).toBe(2);
});

it("is independent of changes of the system clock", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  vi.setSystemTime(new Date("1999-01-01"));
  const { state, fetch } = server();
  const tokens = new TokenSource(fetch);
  await tokens.get();
  vi.setSystemTime(new Date("1998-01-01"));
  await tokens.get();
  expect(state.issued).toBe(1);
  vi.advanceTimersByTime(minutes(14));
  vi.setSystemTime(new Date("1998-01-01"));
  await tokens.get();
  expect(state.issued).toBe(2);
});

it("counts the time while the computer sleeps", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const { state, fetch } = server();
  const tokens = new TokenSource(fetch);
  await tokens.get();
  vi.setSystemTime(Date.now() + minutes(60));
  await tokens.get();
  expect(state.issued).toBe(2);
});

it("uses a valid token while it cannot be renewed", async () => {
  vi.useFakeTimers();
  const { state, fetch } = server();
  let down = false;
  const flaky = (input: RequestInfo | URL) =>
    down ? Promise.reject(new TypeError("fetch failed")) : fetch(input);
  const tokens = new TokenSource(flaky);
  await tokens.get();
  down = true;
  vi.advanceTimersByTime(minutes(14));
  expect(await tokens.get()).toBe("t1");
  vi.advanceTimersByTime(minutes(2));
  await expect(tokens.get()).rejects.toMatchObject({ kind: "offline" });
  down = false;
  state.valid = "t2";
  expect(await tokens.get()).toBe("t2");
});

it("gets one new token for several requests that are refused at once", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  await send(request());
  state.valid = "t2";
  const answers = await Promise.all([send(request()), send(request()), send(request())]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(state.issued).toBe(2);
});
