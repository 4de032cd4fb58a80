import type { Task, TaskUpdate } from "@/lib/api/client";

/** changed returns the tasks with a change applied to one of them. */
export function changed(tasks: readonly Task[], id: number, change: TaskUpdate): Task[] {
  return tasks.map((task) => (task.id === id ? ({ ...task, ...change } as Task) : task));
}

/** restored returns the tasks after the backend refused a change: the fields of that change
 * have their earlier values. Other fields stay, because a later change can have set them. */
export function restored(tasks: readonly Task[], before: Task, change: TaskUpdate): Task[] {
  const fields = Object.keys(change) as (keyof TaskUpdate)[];
  const earlier = Object.fromEntries(fields.map((field) => [field, before[field]]));
  return changed(tasks, before.id, earlier);
}

/** without returns the tasks except one. */
export function without(tasks: readonly Task[], id: number): Task[] {
  return tasks.filter((task) => task.id !== id);
}

/** including returns the tasks with one more, in the order of the backend: the newest first. */
export function including(tasks: readonly Task[], task: Task): Task[] {
  return [...without(tasks, task.id), task].sort((a, b) => b.id - a.id);
}
