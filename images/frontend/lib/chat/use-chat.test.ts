// @vitest-environment jsdom
import { act, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { Message, ToolCall } from "@/lib/api/client";
import { tasksKey } from "@/lib/tasks/use-tasks";
import { delay, type EventStream, openStream, startBackend } from "@/lib/testing/backend";
import { renderWithQueries } from "@/lib/testing/hooks";
import { useChat } from "./use-chat";
import { type History, messagesKey } from "./use-conversations";

const stream = "POST /api/u1/chat/stream";
const messages = "GET /api/u1/conversations/7/messages";
const call: ToolCall = {
  name: "add_task",
  arguments: { title: "Milk" },
  result: { task_id: 1, title: "Milk" },
};

function message(id: number, role: Message["role"], content: string): Message {
  return { id, role, content, tool_calls: [], created_at: "2026-01-01T00:00:00Z" };
}

/** Renders the hook on a backend whose answers are streams that the test writes. */
function chat(conversation: number | "new" = 7) {
  const streams: EventStream[] = [];
  const backend = startBackend({
    [stream]: (request) => {
      const made = openStream(request);
      streams.push(made);
      return made.response;
    },
    [messages]: () => Response.json([]),
  });
  const onConversation = vi.fn<(id: number) => void>();
  const onTool = vi.fn<(call: ToolCall) => void>();
  const conversationId = conversation === "new" ? undefined : conversation;
  const options = { userId: "u1", conversationId, onConversation, onTool };
  const { result, client, rerender } = renderWithQueries(useChat, options);
  const opened = async (count: number): Promise<EventStream> => {
    await waitFor(() => expect(streams).toHaveLength(count));
    return streams[count - 1] as EventStream;
  };
  return {
    backend,
    client,
    result,
    onConversation,
    onTool,
    opened,
    /** The texts of the history, as the log shows them. */
    history: (id = 7) =>
      client.getQueryData<History>(messagesKey(id))?.messages.map((one) => one.content),
    open: (id: number) => rerender({ ...options, conversationId: id }),
    say(text: string) {
      act(() => void result.current.send(text));
    },
  };
}

type Chat = ReturnType<typeof chat>;

/** Sends a message and interrupts the answer after its first words. */
async function interrupted(): Promise<Chat> {
  const made = chat();
  made.say("add milk");
  const answer = await made.opened(1);
  answer.send("start", { conversation_id: 7 });
  answer.send("delta", { text: "Do" });
  await waitFor(() => expect(made.result.current.turn?.reply).toBe("Do"));
  answer.end();
  await waitFor(() => expect(made.result.current.busy).toBe(false));
  return made;
}

const done = { conversation_id: 7, response: "Done!", tool_calls: [call] };

it("shows the answer as it arrives and moves it to the history at the end", async () => {
  const { say, opened, result, history, onTool, client } = chat();
  const reload = vi.spyOn(client, "invalidateQueries");
  say("add milk");
  expect(result.current).toMatchObject({ busy: true, turn: { text: "add milk", stored: false } });
  const answer = await opened(1);
  answer.send("start", { conversation_id: 7 });
  answer.send("tool", call);
  answer.send("delta", { text: "Do" });
  await waitFor(() =>
    expect(result.current.turn).toEqual({
      text: "add milk",
      reply: "Do",
      tools: [call],
      stored: true,
    }),
  );
  expect(history()).toEqual(["add milk"]);
  expect(onTool).toHaveBeenCalledWith(call);
  expect(reload).toHaveBeenCalledWith({ queryKey: tasksKey });
  answer.send("done", done);
  await waitFor(() => expect(result.current.turn).toBeUndefined());
  expect(history()).toEqual(["add milk", "Done!"]);
});

it("reports the conversation that a first message creates", async () => {
  const { say, opened, onConversation, history, backend } = chat("new");
  say("hello");
  const answer = await opened(1);
  const [request] = backend.sent(stream);
  expect(await request?.json()).toEqual({ message: "hello" });
  answer.send("start", { conversation_id: 9 });
  await waitFor(() => expect(onConversation).toHaveBeenCalledExactlyOnceWith(9));
  expect(history(9)).toEqual(["hello"]);
});

it("sends one message at a time", async () => {
  const { say, opened, result, history, backend } = chat();
  say("first");
  const answer = await opened(1);
  say("second");
  answer.send("start", { conversation_id: 7 });
  answer.send("done", done);
  await waitFor(() => expect(result.current.turn).toBeUndefined());
  expect(backend.sent(stream)).toHaveLength(1);
  expect(history()).toEqual(["first", "Done!"]);
});

it("ignores the answer of a turn that was dismissed", async () => {
  const { say, opened, open, result, history, onConversation } = chat("new");
  say("first");
  const late = await opened(1);
  act(() => result.current.dismiss());
  open(8);
  say("second");
  const answer = await opened(2);
  late.send("start", { conversation_id: 7 });
  late.send("delta", { text: "late" });
  late.send("done", done);
  answer.send("start", { conversation_id: 8 });
  answer.send("delta", { text: "in time" });
  await waitFor(() =>
    expect(result.current.turn).toMatchObject({ text: "second", reply: "in time" }),
  );
  expect(onConversation).not.toHaveBeenCalled();
  await waitFor(() => expect(history(7)).toEqual(["first", "Done!"]));
  expect(history(8)).toEqual(["second"]);
});

it("keeps the message when the server cannot be reached, and sends it again on retry", async () => {
  const { say, result, backend, opened, history } = chat();
  backend.online = false;
  say("add milk");
  await waitFor(() => expect(result.current.busy).toBe(false));
  expect(result.current.turn).toMatchObject({
    text: "add milk",
    stored: false,
    problem: "The server cannot be reached. Check your connection.",
  });
  backend.online = true;
  act(() => void result.current.retry());
  const answer = await opened(1);
  answer.send("start", { conversation_id: 7 });
  answer.send("done", done);
  await waitFor(() => expect(result.current.turn).toBeUndefined());
  expect(backend.sent(messages)).toHaveLength(0);
  expect(history()).toEqual(["add milk", "Done!"]);
});

it("does not send a message again that the backend has answered meanwhile", async () => {
  const { result, backend, history } = await interrupted();
  expect(result.current.turn?.problem).toContain("connection was lost");
  backend.routes[messages] = () =>
    Response.json([message(1, "user", "add milk"), message(2, "assistant", "Done!")]);
  await act(() => result.current.retry());
  expect(result.current.turn).toBeUndefined();
  expect(backend.sent(stream)).toHaveLength(1);
  expect(history()).toEqual(["add milk", "Done!"]);
});

it("sends a message again that the backend has not answered", async () => {
  const { result, backend, opened } = await interrupted();
  backend.routes[messages] = () => Response.json([message(1, "user", "add milk")]);
  act(() => void result.current.retry());
  await opened(2);
  expect(result.current.turn).toMatchObject({ text: "add milk", reply: "" });
});

it("shows why a retry failed", async () => {
  const { result, backend } = await interrupted();
  backend.routes[messages] = () => Response.json({ detail: "Try later." }, { status: 503 });
  await act(() => result.current.retry());
  expect(result.current.turn).toMatchObject({ stored: true, problem: "Try later." });
  expect(backend.sent(stream)).toHaveLength(1);
});

it("stops a retry that looks for the answer", async () => {
  const { result, backend } = await interrupted();
  const { answer, resolve } = delay();
  backend.routes[messages] = answer;
  act(() => void result.current.retry());
  await waitFor(() => expect(result.current.busy).toBe(true));
  act(() => result.current.stop());
  resolve(Response.json([message(1, "user", "add milk")]));
  await waitFor(() => expect(result.current.turn?.problem).toBe("You stopped the answer."));
  expect(backend.sent(stream)).toHaveLength(1);
});

it("keeps the received part of an answer when the next message is sent", async () => {
  const { say, result, opened, history } = chat();
  say("add milk");
  (await opened(1)).send("start", { conversation_id: 7 });
  (await opened(1)).send("delta", { text: "Do" });
  await waitFor(() => expect(result.current.turn?.reply).toBe("Do"));
  act(() => result.current.stop());
  await waitFor(() => expect(result.current.turn?.problem).toBe("You stopped the answer."));
  say("add bread");
  await opened(2);
  expect(history()).toEqual(["add milk", "Do"]);
});

it("shows the backend's refusal of a message", async () => {
  const { say, result, backend } = chat();
  const errors = [{ field: "message", message: "The message is too long." }];
  backend.routes[stream] = () => Response.json({ detail: "Invalid.", errors }, { status: 422 });
  say("x");
  await waitFor(() => expect(result.current.turn?.problem).toBe("The message is too long."));
});

it("goes to the sign-in page when the session has ended", async () => {
  const { say, result, backend } = chat();
  backend.session = false;
  say("add milk");
  await waitFor(() => expect(backend.goTo).toHaveBeenCalledWith("/sign-in"));
  await waitFor(() => expect(result.current.turn?.problem).toBe("Sign in first."));
});

it("loads the history again when a failed turn is dismissed", async () => {
  const { result, client } = await interrupted();
  act(() => result.current.dismiss());
  expect(result.current.turn).toBeUndefined();
  expect(client.getQueryState(messagesKey(7))?.isInvalidated).toBe(true);
});

it("aborts the request when the page is left", async () => {
  const backend = startBackend();
  let signal: AbortSignal | undefined;
  backend.routes[stream] = (request) => {
    signal = request.signal;
    return openStream(request).response;
  };
  const options = { userId: "u1", conversationId: 7, onConversation: vi.fn(), onTool: vi.fn() };
  const { result, unmount } = renderWithQueries(useChat, options);
  act(() => void result.current.send("add milk"));
  await waitFor(() => expect(signal).toBeDefined());
  unmount();
  await waitFor(() => expect(signal?.aborted).toBe(true));
});
