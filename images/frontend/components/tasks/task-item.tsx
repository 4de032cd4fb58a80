"use client";

import { Check, Pencil, Trash2 } from "lucide-react";
import { type FormEvent, type KeyboardEvent, memo, useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import type { Task } from "@/lib/api/client";
import { descriptionMax, titleMax } from "@/lib/tasks/limits";

type Change = Partial<Pick<Task, "title" | "description" | "completed">>;

interface TaskItemProps {
  task: Task;
  marked: boolean;
  onChange: (task: Task, change: Change) => void;
  onDelete: (task: Task) => void;
}

interface TaskEditorProps {
  task: Task;
  onSave: (change: Change) => void;
  onCancel: () => void;
}

const fieldClass =
  "w-full rounded-lg border border-line-strong/60 bg-surface px-3 py-2 focus:border-accent";

function TaskEditor({ task, onSave, onCancel }: TaskEditorProps) {
  const title = useRef<HTMLInputElement>(null);
  useEffect(() => title.current?.select(), []);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const next = String(form.get("title")).trim();
    if (next === "") return title.current?.focus();
    onSave({ title: next, description: String(form.get("description")).trim() || null });
  }

  function keyDown(event: KeyboardEvent) {
    if (event.key === "Escape") onCancel();
  }

  return (
    <form onSubmit={submit} onKeyDown={keyDown} className="animate-appear space-y-2.5 p-4">
      <input
        ref={title}
        name="title"
        aria-label="Title"
        defaultValue={task.title}
        maxLength={titleMax}
        required
        autoComplete="off"
        className={fieldClass}
      />
      <textarea
        name="description"
        aria-label="Details"
        placeholder="Details (optional)"
        defaultValue={task.description ?? ""}
        maxLength={descriptionMax}
        rows={3}
        className={`block text-sm ${fieldClass}`}
      />
      <div className="flex justify-end gap-2">
        <Button size="small" variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
        <Button size="small" variant="primary" type="submit">
          Save
        </Button>
      </div>
    </form>
  );
}

function Completion({ task, onChange }: Pick<TaskItemProps, "task" | "onChange">) {
  return (
    <span className="relative mt-0.5 grid size-5 shrink-0 place-items-center">
      <input
        type="checkbox"
        checked={task.completed}
        onChange={(event) => onChange(task, { completed: event.target.checked })}
        aria-label={`Done: ${task.title}`}
        className="peer size-5 cursor-pointer appearance-none rounded-full border-2 border-line-strong transition-colors after:absolute after:-inset-2.5 checked:border-accent checked:bg-accent hover:border-accent"
      />
      <Check
        className="pointer-events-none absolute hidden size-3.5 text-on-accent peer-checked:block"
        strokeWidth={3}
        aria-hidden="true"
      />
    </span>
  );
}

/** One todo, with the controls that mark it as done, edit and delete it. */
export const TaskItem = memo(function TaskItem({
  task,
  marked,
  onChange,
  onDelete,
}: TaskItemProps) {
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !editing) editButton.current?.focus();
    wasEditing.current = editing;
  }, [editing]);

  function save(change: Change) {
    setEditing(false);
    if (change.title !== task.title || change.description !== task.description) {
      onChange(task, change);
    }
  }

  if (editing) {
    return (
      <li data-task-id={task.id}>
        <TaskEditor task={task} onSave={save} onCancel={() => setEditing(false)} />
      </li>
    );
  }
  return (
    <li
      data-task-id={task.id}
      className={`flex items-start gap-3 py-3 pr-2 pl-4 ${marked ? "animate-touched" : ""}`}
    >
      <Completion task={task} onChange={onChange} />
      <div className="min-w-0 flex-1 wrap-anywhere">
        <p className={task.completed ? "text-muted line-through" : ""}>{task.title}</p>
        {task.description && (
          <p className="mt-0.5 text-sm whitespace-pre-line text-muted">{task.description}</p>
        )}
      </div>
      <span
        className="mt-1 text-xs text-muted tabular-nums"
        title="You can use this number when you talk to the assistant"
      >
        <span className="sr-only">number </span>
        <span aria-hidden="true">#</span>
        {task.id}
      </span>
      <div className="-my-1 flex max-sm:-ml-1.5">
        <Button
          ref={editButton}
          variant="ghost"
          size="icon"
          aria-label={`Edit ${task.title}`}
          onClick={() => setEditing(true)}
        >
          <Pencil className="size-4" aria-hidden="true" />
        </Button>
        <Button
          variant="ghost"
          size="icon"
          className="hover:text-danger"
          aria-label={`Delete ${task.title}`}
          onClick={() => onDelete(task)}
        >
          <Trash2 className="size-4" aria-hidden="true" />
        </Button>
      </div>
    </li>
  );
});
