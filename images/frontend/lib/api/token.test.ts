import { expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { authorizedFetch, TokenSource } from "./token";

/** A server whose valid token changes; it answers with what it was sent. */
function server({ session = true } = {}) {
  const state = { session, valid: "t1", issued: 0 };
  const fetch = async (input: RequestInfo | URL): Promise<Response> => {
    if (input === "/api/auth/token") {
      state.issued += 1;
      return state.session
        ? Response.json({ token: state.valid, user_id: "u1" })
        : Response.json({ message: "Sign in first." }, { status: 401 });
    }
    const request = input as Request;
    const status = request.headers.get("authorization") === `Bearer ${state.valid}` ? 200 : 401;
    return new Response(await request.text(), { status });
  };
  return { state, fetch };
}

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

it("exchanges a token before it ends, by the server's lifetime", async () => {
  vi.useFakeTimers();
  try {
    let issued = 0;
    const tokens = new TokenSource(async () =>
      Response.json({ token: `t${++issued}`, expires_in: 900 }),
    );
    expect(await tokens.get()).toBe("t1");
    vi.advanceTimersByTime(12 * 60_000);
    expect(await tokens.get()).toBe("t1");
    vi.advanceTimersByTime(90_000);
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(["t2", "t2"]);
    expect(issued).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

it("uses a token that is still good while no other can be had", async () => {
  vi.useFakeTimers();
  try {
    let down = false;
    const tokens = new TokenSource(async () => {
      if (down) throw new TypeError("fetch failed");
      return Response.json({ token: "t1", expires_in: 900 });
    });
    await tokens.get();
    down = true;
    vi.advanceTimersByTime(14 * 60_000);
    expect(await tokens.get()).toBe("t1");
    vi.advanceTimersByTime(2 * 60_000);
    await expect(tokens.get()).rejects.toMatchObject({ kind: "offline" });
  } finally {
    vi.useRealTimers();
  }
});
