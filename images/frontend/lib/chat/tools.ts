import type { ToolCall } from "@/lib/api/client";

const verbs: Readonly<Record<string, string>> = {
  add_task: "Added",
  complete_task: "Completed",
  delete_task: "Deleted",
  update_task: "Changed",
};

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** failed says whether the tool answered with an error. */
export function failed(call: ToolCall): boolean {
  return field(call.result, "error") !== undefined;
}

/** taskIdOf returns the task a call changed, if any. */
export function taskIdOf(call: ToolCall): number | undefined {
  const id = field(call.result, "task_id");
  return !failed(call) && typeof id === "number" ? id : undefined;
}

/** describe says in a few words what a call did, from its result rather than
 * from what the assistant claims. */
export function describe(call: ToolCall): string {
  if (failed(call)) return `Tried ${call.name}`;
  // The backend keeps the first calls of many, and counts the others.
  if (call.name === "more") return `And ${field(call.result, "count")} more`;
  if (call.name === "list_tasks") {
    const status = field(call.arguments, "status");
    return status === "pending" || status === "completed"
      ? `Looked at the ${status} todos`
      : "Looked at your todos";
  }
  const verb = verbs[call.name];
  const title = field(call.result, "title");
  if (verb === undefined) return `Called ${call.name}`;
  return typeof title === "string" ? `${verb} “${title}”` : verb;
}
