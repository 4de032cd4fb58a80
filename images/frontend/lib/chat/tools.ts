import type { ToolCall } from "@/lib/api/client";

/** The text of a successful call for the title of its todo, by tool. */
const successes: Readonly<Record<string, (title: string) => string>> = {
  add_task: (title) => `Added ${title}`,
  complete_task: (title) => `Marked ${title} as done`,
  delete_task: (title) => `Deleted ${title}`,
  update_task: (title) => `Changed ${title}`,
};

const failures: Readonly<Record<string, string>> = {
  add_task: "Could not add a todo",
  complete_task: "Could not mark a todo as done",
  delete_task: "Could not delete a todo",
  update_task: "Could not change a todo",
  list_tasks: "Could not list the todos",
};

function describeList(status: unknown): string {
  if (status === "pending") return "Listed the todos to do";
  return status === "completed" ? "Listed the done todos" : "Listed your todos";
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** failed tells whether the tool returned an error. */
export function failed(call: ToolCall): boolean {
  return field(call.result, "error") !== undefined;
}

/** taskIdOf returns the id of the task that a call changed, or undefined. */
export function taskIdOf(call: ToolCall): number | undefined {
  const id = field(call.result, "task_id");
  return !failed(call) && typeof id === "number" ? id : undefined;
}

/** describe returns a short text about a call. It is based on the result of the tool, not on
 * the words of the assistant. */
export function describe(call: ToolCall): string {
  if (failed(call)) return failures[call.name] ?? `Could not run ${call.name}`;
  // Of many calls, the backend stores the first ones and the number of the others.
  if (call.name === "more") return `And ${field(call.result, "count")} more`;
  if (call.name === "list_tasks") return describeList(field(call.arguments, "status"));
  const title = field(call.result, "title");
  const success = successes[call.name] ?? (() => `Ran ${call.name}`);
  return success(typeof title === "string" ? `“${title}”` : "a todo");
}
