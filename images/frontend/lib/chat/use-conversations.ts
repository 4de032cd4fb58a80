import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, expectData, type Message } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";

/** The time until a failed load is repeated, in milliseconds. */
const retryMs = 3_000;

/** The number of messages of one load. */
const pageSize = 50;

export const conversationsKey = ["conversations"] as const;
export const messagesKey = (conversationId: number) => ["messages", conversationId] as const;

/** The loaded part of a conversation. */
export interface History {
  messages: Message[];
  /** Whether the backend has earlier messages. */
  more: boolean;
}

/** useConversations loads the conversations, the last used one first. */
export function useConversations(userId: string) {
  return useQuery({
    queryKey: conversationsKey,
    queryFn: async ({ signal }) => {
      const result = await api.GET("/api/{user_id}/conversations", {
        params: { path: { user_id: userId } },
        signal,
      });
      // The chat works also with a backend that has no list of conversations.
      if (result.response.status === 404) return [];
      return expectData(result);
    },
    refetchInterval: (query) => (query.state.status === "error" ? retryMs : false),
  });
}

/** isMissing tells whether the conversation was deleted or belongs to another person. */
export const isMissing = (error: unknown): boolean =>
  error instanceof ApiError && error.kind === "missing";

async function loadMessages(userId: string, id: number, before?: number): Promise<History> {
  const result = await api.GET("/api/{user_id}/conversations/{conversation_id}/messages", {
    params: {
      path: { user_id: userId, conversation_id: id },
      query: before === undefined ? { limit: pageSize } : { limit: pageSize, before },
    },
  });
  const messages = expectData(result);
  return { messages, more: messages.length === pageSize };
}

/** historyQuery is the query for the last messages of a conversation. */
export const historyQuery = (userId: string, conversationId: number) => ({
  queryKey: messagesKey(conversationId),
  queryFn: () => loadMessages(userId, conversationId),
});

/** isAnswered tells whether the last message is from the assistant. */
export const isAnswered = (history: History): boolean =>
  history.messages.at(-1)?.role === "assistant";

/** useHistory loads the last messages of a conversation. */
export function useHistory(userId: string, conversationId: number | undefined) {
  return useQuery({
    ...historyQuery(userId, conversationId ?? 0),
    enabled: conversationId !== undefined,
    // New messages are appended to the cache. A reload on every focus would remove the
    // earlier pages.
    staleTime: Number.POSITIVE_INFINITY,
    retry: (count, error) => !isMissing(error) && count < 3,
    refetchInterval: ({ state }) =>
      state.status === "error" && !isMissing(state.error) ? retryMs : false,
  });
}

/** useEarlier loads the messages before the first one shown. */
export function useEarlier(userId: string, conversationId: number | undefined) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      if (conversationId === undefined) return;
      const key = messagesKey(conversationId);
      const known = client.getQueryData<History>(key);
      const page = await loadMessages(userId, conversationId, known?.messages[0]?.id);
      client.setQueryData<History>(key, (now) => ({
        messages: [...page.messages, ...(now?.messages ?? [])],
        more: page.more,
      }));
    },
  });
}

/** useDeleteConversation deletes a conversation; the todos stay. */
export function useDeleteConversation(userId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (conversationId: number) => {
      const result = await api.DELETE("/api/{user_id}/conversations/{conversation_id}", {
        params: { path: { user_id: userId, conversation_id: conversationId } },
      });
      if (result.response.status !== 404) expectData(result);
    },
    onSettled: () => client.invalidateQueries({ queryKey: conversationsKey }),
  });
}
