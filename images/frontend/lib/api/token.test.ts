import { afterEach, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { authorizedFetch, TokenSource } from "./token";

/** A server whose valid token changes; it answers with what it was sent. */
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

it("asks for the token once", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  const answers = await Promise.all([send(request()), send(request())]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  expect(state.issued).toBe(1);
});

it("gets a new token when the old one is refused, and sends the body again", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  await send(request());
  state.valid = "t2";
  const answer = await send(request());
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("hello");
  expect(state.issued).toBe(2);
});

it("says when the session is over", async () => {
  const { fetch } = server({ session: false });
  const onSignedOut = vi.fn();
  const send = authorizedFetch(new TokenSource(fetch), fetch, onSignedOut);
  await expect(send(request())).rejects.toMatchObject({ status: 401, message: "Sign in first." });
  expect(onSignedOut).toHaveBeenCalledOnce();
});

it("does not keep a failure", async () => {
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

it("gets the next token before the old one ends, once however many ask", async () => {
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

it("does not ask what time it is: a clock that is set does not end or prolong a token", async () => {
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

it("notices a computer that slept, for which one clock stands still", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const { state, fetch } = server();
  const tokens = new TokenSource(fetch);
  await tokens.get();
  vi.setSystemTime(Date.now() + minutes(60));
  await tokens.get();
  expect(state.issued).toBe(2);
});

it("goes on with a token that is still good when the next one cannot be had", async () => {
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

it("gets one new token when several requests are refused at the same time", async () => {
  const { state, fetch } = server();
  const send = authorizedFetch(new TokenSource(fetch), fetch, vi.fn());
  await send(request());
  state.valid = "t2";
  const answers = await Promise.all([send(request()), send(request()), send(request())]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(state.issued).toBe(2);
});
