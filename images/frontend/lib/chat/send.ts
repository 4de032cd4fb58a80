import type { ChatRequest, ChatResponse, ToolCall } from "@/lib/api/client";
import { ApiError, interruptedError, problemOf } from "@/lib/api/errors";
import { EventParser, type ServerEvent } from "./sse";

/** ChatListener receives the events of an answer: first start, then any number of tool and
 * delta. */
export interface ChatListener {
  onStart(conversationId: number): void;
  onTool(call: ToolCall): void;
  onDelta(text: string): void;
}

type Send = (request: Request) => Promise<Response>;

function post(url: string, body: ChatRequest, accept: string, signal: AbortSignal): Request {
  return new Request(new URL(url, window.location.origin), {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify(body),
    signal,
  });
}

async function failure(response: Response): Promise<ApiError> {
  return problemOf(response.status, await response.json().catch(() => undefined));
}

/** Passes an event to the listener. Returns the answer when the event completes it. */
function interpret(event: ServerEvent, listener: ChatListener): ChatResponse | undefined {
  const data = JSON.parse(event.data);
  switch (event.name) {
    case "start":
      listener.onStart(data.conversation_id);
      return undefined;
    case "tool":
      listener.onTool(data);
      return undefined;
    case "delta":
      listener.onDelta(data.text);
      return undefined;
    case "done":
      return data;
    case "error":
      throw new ApiError("unavailable", data.detail);
    default:
      return undefined;
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  listener: ChatListener,
): Promise<ChatResponse> {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw interruptedError();
      for (const event of parser.push(value)) {
        const answer = interpret(event, listener);
        if (answer !== undefined) return answer;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** sendMessage sends a message to the assistant and returns the complete answer. It uses the
 * plain route when the backend has no streaming route. It throws an ApiError, or the error
 * of the abort. */
export async function sendMessage(
  send: Send,
  userId: string,
  body: ChatRequest,
  listener: ChatListener,
  signal: AbortSignal,
): Promise<ChatResponse> {
  const base = `/api/${encodeURIComponent(userId)}/chat`;
  const streamed = await send(post(`${base}/stream`, body, "text/event-stream", signal));
  const isStream = streamed.headers.get("content-type")?.startsWith("text/event-stream");
  if (streamed.ok && streamed.body !== null && isStream) {
    try {
      return await readEvents(streamed.body, listener);
    } catch (error) {
      if (signal.aborted || error instanceof ApiError) throw error;
      throw interruptedError();
    }
  }
  // 404 can also mean an unknown conversation. Then the plain route returns it again.
  if (streamed.status !== 404 && streamed.status !== 405) throw await failure(streamed);
  const plain = await send(post(base, body, "application/json", signal));
  if (!plain.ok) throw await failure(plain);
  const answer = (await plain.json()) as ChatResponse;
  listener.onStart(answer.conversation_id);
  for (const call of answer.tool_calls) listener.onTool(call);
  return answer;
}
