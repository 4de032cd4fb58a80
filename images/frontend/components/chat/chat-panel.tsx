"use client";

import { useCallback, useState } from "react";
import { toast } from "sonner";
import type { ToolCall } from "@/lib/api/client";
import { asApiError } from "@/lib/api/errors";
import { useChat } from "@/lib/chat/use-chat";
import { useConversationChoice } from "@/lib/chat/use-conversation-choice";
import {
  isMissing,
  useConversations,
  useDeleteConversation,
  useHistory,
} from "@/lib/chat/use-conversations";
import { ChatComposer } from "./chat-composer";
import { ChatHeader } from "./chat-header";
import { ChatLog } from "./chat-log";

interface ChatPanelProps {
  userId: string;
  onTool: (call: ToolCall) => void;
  className: string;
}

/** The assistant: the conversations, the messages of one, and the field for a new message. */
export function ChatPanel({ userId, onTool, className }: ChatPanelProps) {
  const conversations = useConversations(userId);
  const { current, isNew, choose } = useConversationChoice(conversations.data);
  const history = useHistory(userId, current);
  // The address can name a deleted conversation, or one of another person. A message there
  // starts a new conversation.
  const missing = isMissing(history.error);
  const chat = useChat({
    userId,
    conversationId: missing ? undefined : current,
    onConversation: choose,
    onTool,
  });
  const remove = useDeleteConversation(userId);
  const [draft, setDraft] = useState("");

  const { send, dismiss } = chat;
  const open = useCallback(
    (id: number | undefined) => {
      dismiss();
      choose(id ?? "new");
    },
    [choose, dismiss],
  );

  function deleteConversation(id: number) {
    remove.mutate(id, {
      onSuccess: () => id === current && open(undefined),
      onError: (error) => toast(asApiError(error).message),
    });
  }

  // The last used conversation is known only from the list.
  const failed = current === undefined && !isNew ? conversations : history;
  const trouble = failed.error && !failed.data && !missing ? asApiError(failed.error) : undefined;
  const loading = conversations.isPending || (current !== undefined && history.isPending);
  return (
    <section
      aria-labelledby="assistant-heading"
      className={`flex min-h-0 flex-col bg-surface lg:border-l ${className}`}
    >
      <ChatHeader
        conversations={conversations.data ?? []}
        current={current}
        disabled={chat.busy}
        onOpen={open}
        onDelete={deleteConversation}
      />
      <ChatLog
        key={current ?? "new"}
        userId={userId}
        conversationId={current}
        history={history.data}
        loading={loading && chat.turn === undefined}
        problem={chat.turn === undefined ? trouble?.message : undefined}
        missing={missing}
        turn={chat.turn}
        onReload={() => void failed.refetch()}
        onSuggestion={send}
        onRetry={() => void chat.retry()}
      />
      <ChatComposer
        draft={draft}
        busy={chat.busy}
        onDraft={setDraft}
        onSend={send}
        onStop={chat.stop}
      />
    </section>
  );
}
