import { expect, it } from "vitest";
import { describe as describeCall, failed, taskIdOf } from "./tools";

it.each([
  ["add_task", {}, { task_id: 3, status: "created", title: "Milk" }, "Added “Milk”", 3],
  ["complete_task", {}, { task_id: 3, title: "Milk" }, "Marked “Milk” as done", 3],
  ["delete_task", {}, { task_id: 3, title: "Milk" }, "Deleted “Milk”", 3],
  ["update_task", {}, { task_id: 3, title: "Oat milk" }, "Changed “Oat milk”", 3],
  ["list_tasks", { status: "pending" }, [], "Listed the todos to do", undefined],
  ["list_tasks", {}, [], "Listed your todos", undefined],
  ["list_tasks", {}, { count: 300, tasks: [] }, "Listed your todos", undefined],
  ["more", {}, { count: 120 }, "And 120 more", undefined],
  ["list_tasks", { status: "completed" }, [], "Listed the done todos", undefined],
  ["delete_task", { task_id: 9 }, { error: "no task 9" }, "Could not delete a todo", undefined],
  ["new_tool", {}, { error: "broken" }, "Could not run new_tool", undefined],
  ["new_tool", {}, null, "Ran new_tool", undefined],
])("describes %s with %j by its result", (name, args, result, text, id) => {
  const call = { name, arguments: args, result };
  expect(describeCall(call)).toBe(text);
  expect(taskIdOf(call)).toBe(id);
  expect(failed(call)).toBe(text.startsWith("Could not"));
});
