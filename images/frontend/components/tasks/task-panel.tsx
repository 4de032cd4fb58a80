"use client";

import { useCallback, useRef, useState } from "react";
import { toast } from "sonner";
import { Notice } from "@/components/notice";
import { Button } from "@/components/ui/button";
import type { Task } from "@/lib/api/client";
import { asApiError } from "@/lib/api/errors";
import { isAway, useTaskActions, useTasks } from "@/lib/tasks/use-tasks";
import { arrange, countTasks, type Filter, type Order } from "@/lib/tasks/view";
import { TaskComposer } from "./task-composer";
import { TaskEmpty, TaskSkeleton } from "./task-empty";
import { TaskFilter } from "./task-filter";
import { TaskItem } from "./task-item";

interface TaskPanelProps {
  userId: string;
  /** The ids of todos that the assistant has just changed. */
  marked: ReadonlySet<number>;
  className: string;
}

const report = (message: string) => void toast(message);

// People may notice a mistake late, and some need time to reach the button.
const TIME_TO_UNDO_MS = 20_000;

/** The list of todos, with the controls to change it by hand. */
export function TaskPanel({ userId, marked, className }: TaskPanelProps) {
  const [filter, setFilter] = useState<Filter>("all");
  const [order, setOrder] = useState<Order>("newest");
  const heading = useRef<HTMLHeadingElement>(null);
  const { data: tasks, error, refetch } = useTasks(userId);
  const { add, update, remove } = useTaskActions({ userId, onProblem: report });
  const { mutate: addTask } = add;
  const { mutate: updateTask } = update;
  const { mutate: removeTask } = remove;

  const onDelete = useCallback(
    (task: Task) => {
      // The focused button is removed together with the todo.
      heading.current?.focus();
      removeTask(task, {
        onSuccess: () => {
          const { title, description, completed } = task;
          toast(`Deleted “${title}”`, {
            duration: TIME_TO_UNDO_MS,
            action: { label: "Undo", onClick: () => addTask({ title, description, completed }) },
          });
        },
      });
    },
    [addTask, removeTask],
  );
  const onChange = useCallback(
    (task: Task, change: Partial<Pick<Task, "title" | "description" | "completed">>) =>
      updateTask({ task, change }),
    [updateTask],
  );

  const shown = tasks && arrange(tasks, filter, order);
  const counts = tasks && countTasks(tasks);
  return (
    <section aria-labelledby="todos-heading" className={`flex min-h-0 flex-col ${className}`}>
      {tasks && isAway(error) && (
        <Notice>The server is not available. Your todos may be out of date. Trying again…</Notice>
      )}
      <div className="relative min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto w-full max-w-3xl px-4 py-6 lg:px-8 lg:py-10">
          <h2
            id="todos-heading"
            ref={heading}
            tabIndex={-1}
            className="text-2xl font-semibold tracking-tight"
          >
            Your todos
          </h2>
          <p className="mt-1 text-muted" aria-live="polite">
            {counts ? summary(counts.pending, counts.completed) : "\u00a0"}
          </p>
          <TaskComposer onAdd={(title, description) => add.mutateAsync({ title, description })} />
          <TaskFilter
            filter={filter}
            order={order}
            counts={counts}
            onFilter={setFilter}
            onOrder={setOrder}
          />
          {shown === undefined && !error && <TaskSkeleton />}
          {shown === undefined && error && (
            <div role="alert" className="mt-4 rounded-2xl border bg-surface p-8 text-center">
              <p className="font-medium">Your todos could not be loaded</p>
              <p className="mt-1 text-sm text-muted">{asApiError(error).message}</p>
              <Button className="mt-5" onClick={() => refetch()}>
                Try again
              </Button>
            </div>
          )}
          {shown?.length === 0 && <TaskEmpty filter={filter} />}
          {shown && shown.length > 0 && (
            <ul
              aria-label="Todos"
              className="mt-4 divide-y overflow-hidden rounded-2xl border bg-surface shadow-card"
            >
              {shown.map((task) => (
                <TaskItem
                  key={task.id}
                  task={task}
                  marked={marked.has(task.id)}
                  onChange={onChange}
                  onDelete={onDelete}
                />
              ))}
            </ul>
          )}
        </div>
      </div>
    </section>
  );
}

function summary(pending: number, completed: number): string {
  if (pending + completed === 0) return "No todos yet.";
  if (pending === 0) return "Everything is done.";
  return `${pending} to do${completed > 0 ? `, ${completed} done` : ""}`;
}
