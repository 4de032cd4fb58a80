import type { Task } from "@/lib/api/client";

export const filters = ["all", "pending", "completed"] as const;
export type Filter = (typeof filters)[number];

export const orders = ["newest", "oldest", "title"] as const;
export type Order = (typeof orders)[number];

/** Counts has the number of tasks of each filter. */
export type Counts = Record<Filter, number>;

/** countTasks counts the tasks of each filter. */
export function countTasks(tasks: readonly Task[]): Counts {
  const completed = tasks.filter((task) => task.completed).length;
  return { all: tasks.length, pending: tasks.length - completed, completed };
}

const compare: Record<Order, (a: Task, b: Task) => number> = {
  newest: (a, b) => b.id - a.id,
  oldest: (a, b) => a.id - b.id,
  title: (a, b) =>
    a.title.localeCompare(b.title, undefined, { sensitivity: "base" }) || a.id - b.id,
};

/** arrange returns the tasks of a filter in order, pending tasks first. */
export function arrange(tasks: readonly Task[], filter: Filter, order: Order): Task[] {
  return tasks
    .filter((task) => filter === "all" || task.completed === (filter === "completed"))
    .sort((a, b) => Number(a.completed) - Number(b.completed) || compare[order](a, b));
}
