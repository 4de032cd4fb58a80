import { expect, it } from "vitest";
import type { Task } from "@/lib/api/client";
import { arrange, countTasks, type Filter, type Order } from "./view";

function task(id: number, title: string, completed: boolean): Task {
  const at = "2026-01-01T00:00:00Z";
  return { id, user_id: "u1", title, description: null, completed, created_at: at, updated_at: at };
}

const tasks = [
  task(1, "banana", false),
  task(2, "Cherry", true),
  task(3, "apple", false),
  task(4, "Date", true),
];

it.each<[Filter, Order, number[]]>([
  ["all", "newest", [3, 1, 4, 2]],
  ["all", "oldest", [1, 3, 2, 4]],
  ["all", "title", [3, 1, 2, 4]],
  ["pending", "newest", [3, 1]],
  ["completed", "oldest", [2, 4]],
])("filters %s tasks and sorts them by %s, pending ones first", (filter, order, ids) => {
  expect(arrange(tasks, filter, order).map(({ id }) => id)).toEqual(ids);
  expect(tasks.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
});

it("counts the tasks of each filter", () => {
  expect(countTasks(tasks)).toEqual({ all: 4, pending: 2, completed: 2 });
});
