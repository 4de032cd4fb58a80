"use client";

import { Trash2 } from "lucide-react";
import { AlertDialog } from "radix-ui";
import { Button } from "@/components/ui/button";
import type { Conversation } from "@/lib/api/client";

interface ConversationListProps {
  conversations: readonly Conversation[];
  current: number | undefined;
  onOpen: (id: number) => void;
  onDelete: (id: number) => void;
}

const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const time = new Intl.DateTimeFormat("en", { timeStyle: "short" });

function lastUsed(conversation: Conversation): string {
  const date = new Date(conversation.updated_at);
  const today = date.toDateString() === new Date().toDateString();
  return today ? `Today, ${time.format(date)}` : day.format(date);
}

function DeleteDialog({ title, onDelete }: { title: string; onDelete: () => void }) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>
        <Button
          variant="ghost"
          size="icon"
          className="hover:text-danger"
          aria-label={`Delete conversation ${title}`}
        >
          <Trash2 className="size-4" aria-hidden="true" />
        </Button>
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-30 bg-black/45" />
        <AlertDialog.Content className="fixed top-1/2 left-1/2 z-40 w-[min(26rem,calc(100vw-2rem))] -translate-1/2 rounded-2xl border bg-surface p-6 shadow-card">
          <AlertDialog.Title className="text-lg font-semibold">
            Delete this conversation?
          </AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-sm text-muted">
            “{title}” and all its messages will be deleted. Your todos stay.
          </AlertDialog.Description>
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Keep it</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button variant="danger" onClick={onDelete}>
                Delete
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** The list of conversations, the last used one first. */
export function ConversationList(props: ConversationListProps) {
  const { conversations, current, onOpen, onDelete } = props;
  return (
    <ul>
      {conversations.map(({ id, title, ...rest }) => (
        <li
          key={id}
          className={`flex items-center gap-1 rounded-lg pr-1 hover:bg-sunken ${id === current ? "bg-accent-soft" : ""}`}
        >
          <button
            type="button"
            aria-current={id === current ? "true" : undefined}
            onClick={() => onOpen(id)}
            className="min-w-0 flex-1 rounded-lg px-3 py-2 text-left"
          >
            <span className="block truncate text-sm font-medium">{title}</span>
            <span className="block text-xs text-muted">{lastUsed({ id, title, ...rest })}</span>
          </button>
          <DeleteDialog title={title} onDelete={() => onDelete(id)} />
        </li>
      ))}
    </ul>
  );
}
