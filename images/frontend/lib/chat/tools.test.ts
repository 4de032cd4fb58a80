import { expect, it } from "vitest";
import { describe as describeCall, failed, taskIdOf } from "./tools";

it.each([
  ["add_task", {}, { task_id: 3, status: "created", title: "Milk" }, "Added “Milk”", 3],
  ["complete_task", {}, { task_id: 3, title: "Milk" }, "Completed “Milk”", 3],
  ["delete_task", {}, { task_id: 3, title: "Milk" }, "Deleted “Milk”", 3],
  ["update_task", {}, { task_id: 3, title: "Oat milk" }, "Changed “Oat milk”", 3],
  ["list_tasks", { status: "pending" }, [], "Looked at the pending todos", undefined],
  ["list_tasks", {}, [], "Looked at your todos", undefined],
  ["list_tasks", {}, { count: 300, tasks: [] }, "Looked at your todos", undefined],
  ["more", {}, { count: 120 }, "And 120 more", undefined],
  ["delete_task", { task_id: 9 }, { error: "no task 9" }, "Tried delete_task", undefined],
  ["new_tool", {}, null, "Called new_tool", undefined],
])("describes %s by what it gave", (name, args, result, text, id) => {
  const call = { name, arguments: args, result };
  expect(describeCall(call)).toBe(text);
  expect(taskIdOf(call)).toBe(id);
  expect(failed(call)).toBe(text.startsWith("Tried"));
});
