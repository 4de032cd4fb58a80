import { expect, it } from "vitest";
import type { Task } from "@/lib/api/client";
import { changed, including, restored, without } from "./list";

function task(id: number, fields: Partial<Task> = {}): Task {
  const at = "2026-01-01T00:00:00Z";
  const defaults = { user_id: "u1", title: `todo ${id}`, description: null, completed: false };
  return { id, ...defaults, created_at: at, updated_at: at, ...fields };
}

const tasks = [task(3), task(2), task(1)];

it("changes one task", () => {
  expect(changed(tasks, 2, { completed: true })).toEqual([
    task(3),
    task(2, { completed: true }),
    task(1),
  ]);
});

it("restores only the fields of the refused change", () => {
  const now = [task(3, { title: "later title", completed: true })];
  expect(restored(now, task(3), { completed: true })).toEqual([task(3, { title: "later title" })]);
});

it("restores nothing of a task that is no longer listed", () => {
  expect(restored([task(1)], task(3), { completed: true })).toEqual([task(1)]);
});

it("puts a task back where it was", () => {
  expect(including(without(tasks, 2), task(2))).toEqual(tasks);
});

it("lists a task once", () => {
  expect(including(tasks, task(3))).toEqual(tasks);
});
