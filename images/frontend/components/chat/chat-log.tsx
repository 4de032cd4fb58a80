"use client";

import { ArrowDown, MessageCircleQuestion, RotateCw } from "lucide-react";
import { useEffect } from "react";
import { useStickToBottom } from "use-stick-to-bottom";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import type { Turn } from "@/lib/chat/turn";
import { type History, useEarlier } from "@/lib/chat/use-conversations";
import { Bubble, Reply } from "./message";

interface ChatLogProps {
  userId: string;
  conversationId: number | undefined;
  history: History | undefined;
  loading: boolean;
  problem: string | undefined;
  missing: boolean;
  turn: Turn | undefined;
  onReload: () => void;
  onSuggestion: (text: string) => void;
  onRetry: () => void;
}

const suggestions = ["Add a todo to buy groceries", "What is left to do?", "Show me all my todos"];

function Welcome({ onSuggestion }: Pick<ChatLogProps, "onSuggestion">) {
  return (
    <div className="m-auto max-w-sm py-8 text-center">
      <Logo className="mx-auto size-11" />
      <p className="mt-4 text-lg font-semibold">What can I do for you?</p>
      <p className="mt-1.5 text-sm text-balance text-muted">
        Tell me what to add, change, delete or mark as done. Your list changes at once.
      </p>
      <ul className="mt-6 space-y-2">
        {suggestions.map((text) => (
          <li key={text}>
            <button
              type="button"
              onClick={() => onSuggestion(text)}
              className="w-full rounded-xl border px-4 py-2.5 text-sm font-medium transition-colors hover:border-accent hover:bg-accent-soft"
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Trouble({ text, onRetry, label }: { text: string; onRetry: () => void; label: string }) {
  return (
    <div
      role="alert"
      className="flex items-center gap-3 rounded-2xl bg-danger-soft py-2 pr-2 pl-4 text-sm text-danger"
    >
      <p className="min-w-0 flex-1">{text}</p>
      <Button size="small" variant="secondary" onClick={onRetry}>
        <RotateCw className="size-3.5" aria-hidden="true" /> {label}
      </Button>
    </div>
  );
}

function Loading() {
  return (
    <div role="status" className="animate-pulse space-y-4 py-2">
      <span className="sr-only">Loading the conversation…</span>
      <div className="ml-auto h-10 w-1/2 rounded-2xl bg-sunken" />
      <div className="h-16 w-3/4 rounded-2xl bg-sunken" />
      <div className="ml-auto h-10 w-2/5 rounded-2xl bg-sunken" />
    </div>
  );
}

function CurrentTurn({ turn, onRetry }: { turn: Turn; onRetry: () => void }) {
  return (
    <>
      {!turn.stored && <Bubble text={turn.text} />}
      {(turn.problem === undefined || turn.reply !== "" || turn.tools.length > 0) && (
        <Reply text={turn.reply} tools={turn.tools} coming={turn.problem === undefined} />
      )}
      {turn.problem !== undefined && (
        <Trouble text={turn.problem} label="Retry" onRetry={onRetry} />
      )}
    </>
  );
}

function Earlier({ userId, conversationId }: Pick<ChatLogProps, "userId" | "conversationId">) {
  const earlier = useEarlier(userId, conversationId);
  return (
    <Button
      size="small"
      variant="ghost"
      className="mx-auto"
      disabled={earlier.isPending}
      onClick={() => earlier.mutate()}
    >
      {earlier.isPending ? "Loading…" : "Earlier messages"}
    </Button>
  );
}

/** The messages of a conversation. It scrolls to the newest one. */
export function ChatLog(props: ChatLogProps) {
  const { history, turn, loading, problem, missing } = props;
  const { scrollRef, contentRef, isAtBottom, scrollToBottom } = useStickToBottom({
    initial: "instant",
    resize: "smooth",
  });
  // After a message is sent, the answer must be visible, whatever the scroll position was.
  const sent = turn?.text;
  useEffect(() => {
    if (sent !== undefined) void scrollToBottom();
  }, [sent, scrollToBottom]);
  const messages = history?.messages ?? [];
  const empty = messages.length === 0 && turn === undefined && !loading && !problem;
  const lastReply =
    turn === undefined ? messages.findLast((m) => m.role === "assistant") : undefined;
  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scrollRef}
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard.
        tabIndex={0}
        className="relative h-full overflow-y-auto -outline-offset-2"
      >
        <div ref={contentRef} className="flex min-h-full flex-col gap-4 px-4 py-5">
          {loading && <Loading />}
          {problem && <Trouble text={problem} label="Try again" onRetry={props.onReload} />}
          {empty && missing && (
            <p className="flex items-center gap-2.5 rounded-2xl bg-sunken px-4 py-3 text-sm text-muted">
              <MessageCircleQuestion className="size-4 shrink-0" aria-hidden="true" />
              This conversation does not exist any more.
            </p>
          )}
          {empty && <Welcome onSuggestion={props.onSuggestion} />}
          {history?.more && <Earlier userId={props.userId} conversationId={props.conversationId} />}
          {messages.map((message) =>
            message.role === "user" ? (
              <Bubble key={message.id} text={message.content} />
            ) : (
              <Reply key={message.id} text={message.content} tools={message.tool_calls} />
            ),
          )}
          {turn && <CurrentTurn turn={turn} onRetry={props.onRetry} />}
        </div>
      </section>
      {/* Screen readers announce the complete answer, not each part of it. */}
      <p className="sr-only" aria-live="polite">
        {lastReply && lastReply.id < 0 ? `Assistant: ${lastReply.content}` : ""}
      </p>
      {!isAtBottom && (
        <Button
          size="icon"
          aria-label="Go to the newest message"
          className="absolute inset-x-0 bottom-3 mx-auto rounded-full shadow-card"
          onClick={() => void scrollToBottom()}
        >
          <ArrowDown className="size-4" aria-hidden="true" />
        </Button>
      )}
    </div>
  );
}
