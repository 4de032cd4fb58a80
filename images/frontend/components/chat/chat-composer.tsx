"use client";

import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useRef } from "react";
import { Button } from "@/components/ui/button";

interface ChatComposerProps {
  draft: string;
  busy: boolean;
  onDraft: (text: string) => void;
  onSend: (text: string) => void;
  onStop: () => void;
}

/** The backend's limit for a message, in characters. */
const messageMax = 4_000;

/** The field for a message to the assistant: Enter sends, Shift+Enter starts a new line. */
export function ChatComposer({ draft, busy, onDraft, onSend, onStop }: ChatComposerProps) {
  const form = useRef<HTMLFormElement>(null);
  const ready = draft.trim() !== "" && !busy;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!ready) return;
    onSend(draft.trim());
    onDraft("");
  }

  function keyDown(event: KeyboardEvent) {
    // While a character is being composed, Enter completes it and must not send.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  }

  return (
    <form
      ref={form}
      onSubmit={submit}
      aria-label="Message to the assistant"
      className="shrink-0 px-4 pb-4"
    >
      <div className="flex items-end gap-2 rounded-2xl border border-line-strong/60 bg-surface py-1.5 pr-1.5 pl-4 transition-colors focus-within:border-accent">
        <textarea
          value={draft}
          onChange={(event) => onDraft(event.target.value)}
          onKeyDown={keyDown}
          maxLength={messageMax}
          rows={1}
          name="message"
          aria-label="Message"
          placeholder="Ask the assistant about your todos…"
          enterKeyHint="send"
          className="field-sizing-content max-h-40 min-h-9 flex-1 resize-none bg-transparent py-1.5 text-base outline-none"
        />
        {busy ? (
          <Button variant="secondary" size="icon" aria-label="Stop the answer" onClick={onStop}>
            <Square className="size-3.5 fill-current" aria-hidden="true" />
          </Button>
        ) : (
          <Button type="submit" variant="primary" size="icon" aria-label="Send" disabled={!ready}>
            <ArrowUp className="size-4.5" aria-hidden="true" />
          </Button>
        )}
      </div>
    </form>
  );
}
