"use client";

import { LoaderCircle, Plus } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { descriptionMax, titleMax } from "@/lib/tasks/limits";

interface TaskComposerProps {
  /** Adds a todo; when it is rejected, the text stays in the form. */
  onAdd: (title: string, description: string | null) => Promise<unknown>;
}

/** The form that adds a todo; the field for details opens once there is a title. */
export function TaskComposer({ onAdd }: TaskComposerProps) {
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const ready = title.trim() !== "";

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    try {
      await onAdd(title.trim(), description.trim() || null);
      setTitle("");
      setDescription("");
      input.current?.focus();
    } catch {
      // The caller reports the error; the text stays for another try.
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      onSubmit={submit}
      aria-label="Add a todo"
      className="mt-6 rounded-2xl border bg-surface shadow-card transition-colors focus-within:border-accent"
    >
      <div className="flex items-center gap-2 py-1.5 pr-1.5 pl-4">
        <input
          ref={input}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          maxLength={titleMax}
          aria-label="What needs doing?"
          placeholder="What needs doing?"
          name="title"
          autoComplete="off"
          enterKeyHint="done"
          className="h-11 min-w-0 flex-1 bg-transparent text-base outline-none"
        />
        <Button type="submit" variant="primary" disabled={!ready || busy} aria-label="Add todo">
          {busy ? (
            <LoaderCircle className="size-4 animate-spin" aria-hidden="true" />
          ) : (
            <Plus className="size-4" aria-hidden="true" />
          )}
          Add
        </Button>
      </div>
      {ready && (
        <textarea
          value={description}
          onChange={(event) => setDescription(event.target.value)}
          maxLength={descriptionMax}
          rows={2}
          name="description"
          aria-label="Details (optional)"
          placeholder="Details (optional)"
          className="block w-full animate-appear resize-none rounded-b-2xl border-t bg-transparent px-4 py-3 text-sm outline-none"
        />
      )}
    </form>
  );
}
