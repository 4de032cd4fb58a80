import {
  Check,
  ChevronRight,
  List,
  type LucideIcon,
  Pencil,
  Plus,
  Trash2,
  Wrench,
  X,
} from "lucide-react";
import type { ToolCall } from "@/lib/api/client";
import { describe, failed } from "@/lib/chat/tools";

const icons: Readonly<Record<string, LucideIcon>> = {
  add_task: Plus,
  list_tasks: List,
  complete_task: Check,
  delete_task: Trash2,
  update_task: Pencil,
};

function Detail({ label, value }: { label: string; value: unknown }) {
  return (
    <>
      <p className="mt-2 font-medium text-muted">{label}</p>
      <pre className="mt-0.5 max-h-48 overflow-auto rounded-lg bg-sunken p-2 font-mono whitespace-pre-wrap wrap-anywhere">
        {JSON.stringify(value, null, 2)}
      </pre>
    </>
  );
}

/** The tool calls of an answer, each in a few words; the details open with a click. */
export function ToolCalls({ calls }: { calls: readonly ToolCall[] }) {
  return (
    <ul aria-label="Actions of the assistant" className="mb-2 space-y-1.5">
      {calls.map((call, index) => {
        const Icon = failed(call) ? X : (icons[call.name] ?? Wrench);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows at its end.
          <li key={index}>
            <details
              className="group w-fit max-w-full animate-appear text-xs"
              data-tool={call.name}
            >
              <summary
                className={`flex w-fit max-w-full list-none items-center gap-1.5 rounded-full px-2.5 py-1 font-medium [&::-webkit-details-marker]:hidden ${failed(call) ? "bg-danger-soft text-danger" : "bg-accent-soft text-accent"}`}
              >
                <Icon className="size-3.5 shrink-0" aria-hidden="true" />
                <span className="truncate">{describe(call)}</span>
                <ChevronRight
                  className="size-3.5 shrink-0 transition-transform group-open:rotate-90"
                  aria-hidden="true"
                />
              </summary>
              <div className="mt-1.5 rounded-xl border p-3">
                <code className="font-semibold">{call.name}</code>
                <Detail label="Arguments" value={call.arguments} />
                <Detail label="Result" value={call.result} />
              </div>
            </details>
          </li>
        );
      })}
    </ul>
  );
}
