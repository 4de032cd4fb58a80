import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useReducer, useRef } from "react";
import { fetchAsUser, type Message, type ToolCall } from "@/lib/api/client";
import { asApiError } from "@/lib/api/errors";
import { tasksKey } from "@/lib/tasks/use-tasks";
import { sendMessage } from "./send";
import { advance, type Turn } from "./turn";
import {
  conversationsKey,
  type History,
  historyQuery,
  isAnswered,
  messagesKey,
} from "./use-conversations";

interface ChatOptions {
  userId: string;
  conversationId: number | undefined;
  /** Called when the first message of a new conversation has made it. */
  onConversation: (id: number) => void;
  /** Called for each tool that was called, while the answer is on its way. */
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

/** keep puts what had come of an answer that broke off into the history, where
 * it stays until the page is loaded again, and the whole answer with it. */
function keep(client: QueryClient, conversationId: number, turn: Turn): void {
  if (!turn.stored || (turn.reply === "" && turn.tools.length === 0)) return;
  append(client, conversationId, said("assistant", turn.reply, turn.tools));
}

/** useChat sends messages and follows the answer. The history lives in the
 * query cache; turn is what is not part of it yet. */
export function useChat({ userId, conversationId, onConversation, onTool }: ChatOptions) {
  const client = useQueryClient();
  const [turn, dispatch] = useReducer(advance, undefined);
  const abort = useRef<AbortController>(undefined);
  const busy = turn !== undefined && turn.problem === undefined;

  useEffect(() => () => abort.current?.abort(), []);

  const send = useCallback(
    async (text: string) => {
      const controller = new AbortController();
      abort.current = controller;
      const calls: ToolCall[] = [];
      let current = conversationId;
      if (turn !== undefined && current !== undefined) keep(client, current, turn);
      dispatch({ type: "sent", text });
      const body = {
        message: text,
        ...(current === undefined ? {} : { conversation_id: current }),
      };
      const listener = {
        onStart(id: number) {
          current = id;
          append(client, id, said("user", text));
          dispatch({ type: "stored" });
          if (conversationId === undefined) onConversation(id);
        },
        onTool(call: ToolCall) {
          calls.push(call);
          dispatch({ type: "tool", call });
          onTool(call);
          void client.invalidateQueries({ queryKey: tasksKey });
        },
        onDelta: (delta: string) => dispatch({ type: "delta", text: delta }),
      };
      try {
        const answer = await sendMessage(fetchAsUser, userId, body, listener, controller.signal);
        append(
          client,
          answer.conversation_id,
          said("assistant", answer.response, answer.tool_calls),
        );
        dispatch({ type: "finished" });
      } catch (error) {
        const problem = controller.signal.aborted
          ? "You stopped the answer."
          : asApiError(error).message;
        dispatch({ type: "failed", problem });
      } finally {
        void client.invalidateQueries({ queryKey: conversationsKey });
        if (calls.length > 0 || controller.signal.aborted) {
          void client.invalidateQueries({ queryKey: tasksKey });
        }
      }
    },
    [client, userId, conversationId, onConversation, onTool, turn],
  );

  /** The backend completes an answer that nobody listens to. Asking again would
   * do again what was asked for, so the answer is looked for first. One that the
   * backend is still making is not there yet, and is asked for again. */
  const retry = useCallback(async () => {
    if (turn === undefined) return;
    if (turn.stored && conversationId !== undefined) {
      dispatch({ type: "retried" });
      try {
        const query = historyQuery(userId, conversationId);
        const history = await client.fetchQuery({ ...query, staleTime: 0 });
        if (isAnswered(history)) {
          dispatch({ type: "finished" });
          return;
        }
      } catch (error) {
        dispatch({ type: "failed", problem: asApiError(error).message });
        return;
      }
    }
    await send(turn.text);
  }, [client, userId, conversationId, send, turn]);

  return {
    turn,
    busy,
    send,
    retry,
    stop: useCallback(() => abort.current?.abort(), []),
    /** Forgets a failed turn, for example when another conversation is opened. */
    dismiss: useCallback(() => {
      if (turn?.stored && conversationId !== undefined) {
        void client.invalidateQueries({ queryKey: messagesKey(conversationId) });
      }
      dispatch({ type: "finished" });
    }, [client, conversationId, turn]),
  };
}
