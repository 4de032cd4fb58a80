import { beforeEach, expect, it, vi } from "vitest";
import { type ChatListener, sendMessage } from "./send";

const answer = {
  conversation_id: 7,
  response: "Done!",
  tool_calls: [{ name: "add_task", arguments: { title: "Milk" }, result: { task_id: 1 } }],
};

beforeEach(() => vi.stubGlobal("window", { location: { origin: "http://localhost" } }));

function listener() {
  return {
    onStart: vi.fn<ChatListener["onStart"]>(),
    onTool: vi.fn<ChatListener["onTool"]>(),
    onDelta: vi.fn<ChatListener["onDelta"]>(),
  };
}

function events(...list: [string, unknown][]): Response {
  const text = list.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
}

function say(send: (request: Request) => Promise<Response>, heard = listener()) {
  const body = { message: "add milk", conversation_id: 7 };
  return sendMessage(send, "u/1", body, heard, new AbortController().signal);
}

it("reports each event of the stream and returns the complete answer", async () => {
  const heard = listener();
  const urls: string[] = [];
  const result = await say(async (request) => {
    urls.push(request.url);
    return events(
      ["start", { conversation_id: 7 }],
      ["tool", answer.tool_calls[0]],
      ["delta", { text: "Do" }],
      ["something new", {}],
      ["delta", { text: "ne!" }],
      ["done", answer],
    );
  }, heard);
  expect(result).toEqual(answer);
  expect(urls).toEqual(["http://localhost/api/u%2F1/chat/stream"]);
  expect(heard.onStart).toHaveBeenCalledWith(7);
  expect(heard.onTool).toHaveBeenCalledWith(answer.tool_calls[0]);
  expect(heard.onDelta.mock.calls.flat()).toEqual(["Do", "ne!"]);
});

it.each([404, 405])("uses the plain route when the stream returns %d", async (status) => {
  const heard = listener();
  const result = await say(
    async (request) =>
      request.url.endsWith("/stream")
        ? Response.json({ detail: "Not Found" }, { status })
        : Response.json(answer),
    heard,
  );
  expect(result).toEqual(answer);
  expect(heard.onStart).toHaveBeenCalledWith(7);
  expect(heard.onTool).toHaveBeenCalledOnce();
});

it("does not send a message again after status 503", async () => {
  const send = vi.fn(async () => Response.json({ detail: "Try later." }, { status: 503 }));
  await expect(say(send)).rejects.toMatchObject({ kind: "unavailable", message: "Try later." });
  expect(send).toHaveBeenCalledOnce();
});

it("throws the message of an error event", async () => {
  const send = async () =>
    events(["start", { conversation_id: 7 }], ["error", { detail: "Too slow." }]);
  await expect(say(send)).rejects.toMatchObject({ message: "Too slow." });
});

it("throws when the stream ends before the answer is complete", async () => {
  const send = async () => events(["start", { conversation_id: 7 }], ["delta", { text: "Do" }]);
  await expect(say(send)).rejects.toMatchObject({ kind: "offline" });
});
