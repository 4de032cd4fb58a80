"use client";

import { ChevronDown, SquarePen } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import type { Conversation } from "@/lib/api/client";
import { ConversationList } from "./conversation-list";

interface ChatHeaderProps {
  conversations: readonly Conversation[];
  current: number | undefined;
  disabled: boolean;
  onOpen: (id: number | undefined) => void;
  onDelete: (id: number) => void;
}

/** The bar above the conversation: its title, the list of all, and a button for a new one. */
export function ChatHeader({
  conversations,
  current,
  disabled,
  onOpen,
  onDelete,
}: ChatHeaderProps) {
  const [listed, setListed] = useState(false);
  const title = conversations.find((conversation) => conversation.id === current)?.title;

  function open(id: number | undefined) {
    setListed(false);
    onOpen(id);
  }

  // Closing the list here makes the order irrelevant in which the request is answered and
  // the focus leaves the deleted item.
  function remove(id: number) {
    setListed(false);
    onDelete(id);
  }

  return (
    <div className="flex h-14 shrink-0 items-center gap-1 border-b px-4">
      <div className="min-w-0 flex-1">
        <h2 id="assistant-heading" className="text-sm leading-tight font-semibold">
          Assistant
        </h2>
        <p className="truncate text-xs text-muted">{title ?? "New conversation"}</p>
      </div>
      {conversations.length > 0 && (
        <Popover.Root open={listed} onOpenChange={setListed}>
          <Popover.Trigger asChild>
            <Button variant="ghost" size="small" disabled={disabled}>
              Conversations <ChevronDown className="size-4" aria-hidden="true" />
            </Button>
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Content
              align="end"
              sideOffset={6}
              aria-label="Conversations"
              className="z-20 max-h-[min(28rem,70dvh)] w-80 max-w-[calc(100vw-2rem)] animate-appear overflow-y-auto rounded-xl border bg-surface p-1.5 shadow-card"
            >
              <ConversationList
                conversations={conversations}
                current={current}
                onOpen={open}
                onDelete={remove}
              />
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
      <Button
        variant="ghost"
        size="icon"
        aria-label="New conversation"
        disabled={disabled}
        onClick={() => open(undefined)}
      >
        <SquarePen className="size-4.5" aria-hidden="true" />
      </Button>
    </div>
  );
}
