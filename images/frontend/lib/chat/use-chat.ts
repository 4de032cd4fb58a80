import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { fetchAsUser, type Message, type ToolCall } from "@/lib/api/client";
import { tasksKey } from "@/lib/tasks/use-tasks";
import { sendMessage } from "./send";
import type { Turn } from "./turn";
import {
  conversationsKey,
  type History,
  historyQuery,
  isAnswered,
  messagesKey,
} from "./use-conversations";
import { useTurn } from "./use-turn";

interface ChatOptions {
  userId: string;
  conversationId: number | undefined;
  /** Called with the id of a new conversation after its first message. */
  onConversation: (id: number) => void;
  /** Called for each tool call of the assistant, before the answer is complete. */
  onTool: (call: ToolCall) => void;
}

/** Messages that are not reloaded get ids below every id of the backend. */
let localId = 0;

function said(role: "user" | "assistant", content: string, tools: ToolCall[] = []): Message {
  localId -= 1;
  return {
    id: localId,
    role,
    content,
    tool_calls: tools,
    created_at: new Date().toISOString(),
  } as Message;
}

function append(client: QueryClient, conversationId: number, message: Message): void {
  client.setQueryData<History>(messagesKey(conversationId), (history) => ({
    messages: [...(history?.messages ?? []), message],
    more: history?.more ?? false,
  }));
}

/** keep adds the received part of an interrupted answer to the history. It stays there until
 * the page is loaded again, which loads the complete answer. */
function keep(client: QueryClient, conversationId: number, turn: Turn): void {
  if (!turn.stored || (turn.reply === "" && turn.tools.length === 0)) return;
  append(client, conversationId, said("assistant", turn.reply, turn.tools));
}

type TurnState = ReturnType<typeof useTurn>;

/** useSend returns the function that sends a message and receives its answer. */
function useSend(
  { userId, conversationId, onConversation, onTool }: ChatOptions,
  { turn, begin }: TurnState,
) {
  const client = useQueryClient();
  return useCallback(
    async (text: string) => {
      const request = begin();
      if (request === undefined) return;
      const { signal, isCurrent, tell } = request;
      if (turn !== undefined && conversationId !== undefined) keep(client, conversationId, turn);
      tell({ type: "sent", text });
      let called = false;
      const listener = {
        onStart(id: number) {
          append(client, id, said("user", text));
          tell({ type: "stored" });
          if (conversationId === undefined && isCurrent()) onConversation(id);
        },
        onTool(call: ToolCall) {
          called = true;
          tell({ type: "tool", call });
          onTool(call);
          void client.invalidateQueries({ queryKey: tasksKey });
        },
        onDelta: (delta: string) => tell({ type: "delta", text: delta }),
      };
      const body = { message: text, conversation_id: conversationId };
      try {
        const answer = await sendMessage(fetchAsUser, userId, body, listener, signal);
        const { conversation_id, response, tool_calls } = answer;
        append(client, conversation_id, said("assistant", response, tool_calls));
        tell({ type: "finished" });
      } catch (error) {
        request.fail(error);
      } finally {
        request.end();
        void client.invalidateQueries({ queryKey: conversationsKey });
        // The assistant can change todos after it is stopped.
        if (called || signal.aborted) void client.invalidateQueries({ queryKey: tasksKey });
      }
    },
    [client, userId, conversationId, onConversation, onTool, turn, begin],
  );
}

/** useFindAnswer returns the function that loads the history and tells whether it has the
 * answer. The backend completes an answer after the connection is lost, so sending the
 * message again could repeat its effects. An answer that is not complete counts as missing. */
function useFindAnswer(userId: string, { begin }: TurnState) {
  const client = useQueryClient();
  return useCallback(
    async (conversationId: number): Promise<"missing" | "done"> => {
      const request = begin();
      if (request === undefined) return "done";
      request.tell({ type: "retried" });
      try {
        const query = historyQuery(userId, conversationId);
        const history = await client.fetchQuery({ ...query, staleTime: 0 });
        request.signal.throwIfAborted();
        if (!isAnswered(history) && request.isCurrent()) return "missing";
        request.tell({ type: "finished" });
      } catch (error) {
        request.fail(error);
      } finally {
        request.end();
      }
      return "done";
    },
    [client, userId, begin],
  );
}

/** useChat sends messages and receives the answers, one at a time. The history is in the
 * query cache; turn holds the message and the answer until the history has them. */
export function useChat(options: ChatOptions) {
  const { userId, conversationId } = options;
  const client = useQueryClient();
  const state = useTurn();
  const { turn, busy, stop, clear } = state;
  const send = useSend(options, state);
  const findAnswer = useFindAnswer(userId, state);

  const retry = useCallback(async () => {
    if (turn === undefined) return;
    if (turn.stored && conversationId !== undefined) {
      if ((await findAnswer(conversationId)) === "done") return;
    }
    await send(turn.text);
  }, [conversationId, findAnswer, send, turn]);

  /** Removes a failed turn, for example when another conversation is opened. */
  const dismiss = useCallback(() => {
    if (turn?.stored && conversationId !== undefined) {
      void client.invalidateQueries({ queryKey: messagesKey(conversationId) });
    }
    clear();
  }, [client, conversationId, turn, clear]);

  return { turn, busy, send, retry, stop, dismiss };
}
