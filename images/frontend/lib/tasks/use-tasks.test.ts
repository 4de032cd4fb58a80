// @vitest-environment jsdom
import { act, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { Task } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";
import { delay, startBackend } from "@/lib/testing/backend";
import { renderWithQueries } from "@/lib/testing/hooks";
import { isAway, useTaskActions, useTasks } from "./use-tasks";

const list = "GET /api/u1/tasks";
const create = "POST /api/u1/tasks";
const put = (id: number) => `PUT /api/u1/tasks/${id}`;
const del = (id: number) => `DELETE /api/u1/tasks/${id}`;

function task(id: number, fields: Partial<Task> = {}): Task {
  const at = "2026-01-01T00:00:00Z";
  const defaults = { user_id: "u1", title: `todo ${id}`, description: null, completed: false };
  return { id, ...defaults, created_at: at, updated_at: at, ...fields };
}

const milk = task(1, { title: "Milk" });
const bread = task(2, { title: "Bread" });

function refusal(status: number, detail: string) {
  return () => Response.json({ detail }, { status });
}

/** Renders both hooks on a backend that has these tasks. */
async function todos(...stored: Task[]) {
  const backend = startBackend({ [list]: () => Response.json(stored) });
  const onProblem = vi.fn<(message: string) => void>();
  const { result, client } = renderWithQueries(
    (options: { userId: string; onProblem: (message: string) => void }) => ({
      tasks: useTasks(options.userId),
      ...useTaskActions(options),
    }),
    { userId: "u1", onProblem },
  );
  await waitFor(() => expect(result.current.tasks.data).toHaveLength(stored.length));
  return {
    backend,
    client,
    onProblem,
    result,
    shown: () =>
      result.current.tasks.data?.map((one) => `${one.completed ? "[x]" : "[ ]"} ${one.title}`),
    /** What the backend answers to the next loads of the list. */
    store(...tasks: Task[]) {
      backend.routes[list] = () => Response.json(tasks);
    },
    complete(one: Task, completed = true) {
      act(() => result.current.update.mutate({ task: one, change: { completed } }));
    },
    remove(one: Task) {
      act(() => result.current.remove.mutate(one));
    },
  };
}

it("loads pages until one is not full", async () => {
  const all = Array.from({ length: 201 }, (_, i) => task(201 - i));
  const backend = startBackend({
    [list]: (request) => {
      const offset = Number(new URL(request.url).searchParams.get("offset"));
      return Response.json(all.slice(offset, offset + 200));
    },
  });
  const { result } = renderWithQueries(useTasks, "u1");
  await waitFor(() => expect(result.current.data).toHaveLength(201));
  expect(backend.sent(list)).toHaveLength(2);
});

it("shows a change before the backend answers", async () => {
  const { backend, complete, shown } = await todos(milk);
  const { answer, resolve } = delay();
  backend.routes[put(1)] = answer;
  complete(milk);
  await waitFor(() => expect(shown()).toEqual(["[x] Milk"]));
  resolve(Response.json({ ...milk, completed: true }));
  await waitFor(async () =>
    expect(await backend.sent(put(1))[0]?.clone().json()).toEqual({ completed: true }),
  );
});

it("takes a change back when the backend refuses it", async () => {
  const { backend, complete, shown, onProblem } = await todos(milk);
  const { answer, resolve } = delay();
  backend.routes[put(1)] = answer;
  complete(milk);
  await waitFor(() => expect(shown()).toEqual(["[x] Milk"]));
  resolve(refusal(503, "Try later.")());
  await waitFor(() => expect(onProblem).toHaveBeenCalledWith("Try later."));
  expect(shown()).toEqual(["[ ] Milk"]);
});

it("removes a todo from the list that somebody else deleted before the change", async () => {
  const { backend, complete, shown, store, onProblem } = await todos(bread, milk);
  backend.routes[put(1)] = refusal(404, "Not found.");
  store(bread);
  complete(milk);
  await waitFor(() => expect(onProblem).toHaveBeenCalledWith("Not found."));
  await waitFor(() => expect(shown()).toEqual(["[ ] Bread"]));
});

it("counts a todo that somebody else deleted as deleted", async () => {
  const { backend, remove, result, shown, store, onProblem } = await todos(bread, milk);
  backend.routes[del(1)] = refusal(404, "Not found.");
  store(bread);
  remove(milk);
  await waitFor(() => expect(result.current.remove.isSuccess).toBe(true));
  expect(shown()).toEqual(["[ ] Bread"]);
  expect(onProblem).not.toHaveBeenCalled();
});

it("puts a todo back where it was when it cannot be deleted", async () => {
  const { backend, remove, shown, onProblem } = await todos(bread, milk);
  const { answer, resolve } = delay();
  backend.routes[del(2)] = answer;
  remove(bread);
  await waitFor(() => expect(shown()).toEqual(["[ ] Milk"]));
  backend.routes[list] = delay().answer;
  resolve(refusal(503, "Try later.")());
  await waitFor(() => expect(onProblem).toHaveBeenCalledWith("Try later."));
  expect(shown()).toEqual(["[ ] Bread", "[ ] Milk"]);
});

it("sends changes of todos in order, and shows the last one all the time", async () => {
  const { backend, complete, shown, store } = await todos(milk);
  const [first, second] = [delay(), delay()];
  backend.routes[put(1)] = first.answer;
  complete(milk);
  await waitFor(() => expect(shown()).toEqual(["[x] Milk"]));
  complete({ ...milk, completed: true }, false);
  await waitFor(() => expect(shown()).toEqual(["[ ] Milk"]));
  expect(backend.sent(put(1))).toHaveLength(1);
  const seen: string[] = [];
  backend.routes[put(1)] = second.answer;
  store({ ...milk, completed: true }); // the state after the first change
  first.resolve(Response.json({ ...milk, completed: true }));
  await waitFor(() => {
    seen.push(String(shown()));
    expect(backend.sent(put(1))).toHaveLength(2);
  });
  expect(new Set(seen)).toEqual(new Set(["[ ] Milk"]));
  expect(backend.sent(list)).toHaveLength(1);
  store(milk);
  second.resolve(Response.json(milk));
  await waitFor(() => expect(backend.sent(list)).toHaveLength(2));
  expect(shown()).toEqual(["[ ] Milk"]);
});

it("keeps the later of two changes when the earlier one fails", async () => {
  const { backend, complete, result, shown, onProblem } = await todos(milk);
  const [first, second] = [delay(), delay()];
  backend.routes[put(1)] = first.answer;
  complete(milk);
  await waitFor(() => expect(shown()).toEqual(["[x] Milk"]));
  act(() =>
    result.current.update.mutate({
      task: { ...milk, completed: true },
      change: { title: "Oat milk" },
    }),
  );
  await waitFor(() => expect(shown()).toEqual(["[x] Oat milk"]));
  backend.routes[put(1)] = second.answer;
  first.resolve(refusal(503, "Try later.")());
  await waitFor(() => expect(onProblem).toHaveBeenCalledWith("Try later."));
  await waitFor(() => expect(shown()).toEqual(["[ ] Oat milk"]));
});

it("ignores a list that was requested before a change", async () => {
  const { backend, complete, result, shown } = await todos(milk);
  const stale = delay();
  backend.routes[list] = stale.answer;
  act(() => void result.current.tasks.refetch());
  await waitFor(() => expect(backend.sent(list)).toHaveLength(2));
  backend.routes[put(1)] = delay().answer;
  complete(milk);
  await waitFor(() => expect(shown()).toEqual(["[x] Milk"]));
  const response = Response.json([milk]);
  stale.resolve(response);
  await waitFor(() => expect(response.bodyUsed).toBe(true));
  await act(() => new Promise((done) => setTimeout(done, 50)));
  expect(shown()).toEqual(["[x] Milk"]);
});

it("adds a todo at the top, also one that was done", async () => {
  const { backend, result, shown } = await todos(milk);
  const added = task(3, { title: "Eggs", completed: true });
  backend.routes[list] = delay().answer;
  backend.routes[create] = () => Response.json(added, { status: 201 });
  const body = { title: "Eggs", description: null, completed: true };
  await act(() => result.current.add.mutateAsync(body));
  await waitFor(() => expect(shown()).toEqual(["[x] Eggs", "[ ] Milk"]));
  expect(await backend.sent(create)[0]?.json()).toEqual(body);
});

it("rejects when a todo cannot be added, so that its text stays", async () => {
  const { backend, result, onProblem, shown } = await todos(milk);
  backend.routes[create] = refusal(422, "Title is too long.");
  await act(() =>
    expect(result.current.add.mutateAsync({ title: "x" })).rejects.toThrow("Title is too long."),
  );
  expect(onProblem).toHaveBeenCalledWith("Title is too long.");
  expect(shown()).toEqual(["[ ] Milk"]);
});

it("keeps the list while offline, and loads it again after the connection is back", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { backend, complete, result, shown, store, onProblem } = await todos(milk);
    backend.online = false;
    complete(milk);
    await waitFor(() =>
      expect(onProblem).toHaveBeenCalledWith(
        "The server cannot be reached. Check your connection.",
      ),
    );
    await waitFor(() => expect(isAway(result.current.tasks.error)).toBe(true));
    expect(shown()).toEqual(["[ ] Milk"]);
    backend.online = true;
    store(bread, milk);
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    await waitFor(() => expect(shown()).toEqual(["[ ] Bread", "[ ] Milk"]));
    expect(isAway(result.current.tasks.error)).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

it("goes to the sign-in page when the session has ended", async () => {
  const { backend, complete, shown } = await todos(milk);
  backend.session = false;
  complete(milk);
  await waitFor(() => expect(backend.goTo).toHaveBeenCalledWith("/sign-in"));
  await waitFor(() => expect(shown()).toEqual(["[ ] Milk"]));
});

it.each([
  [new TypeError("fetch failed"), true],
  [new ApiError("offline", ""), true],
  [new ApiError("unavailable", ""), true],
  [new ApiError("refused", ""), false],
  [null, false],
])("tells whether the service can come back after %s", (error, away) => {
  expect(isAway(error)).toBe(away);
});
