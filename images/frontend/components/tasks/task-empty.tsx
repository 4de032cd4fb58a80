import { CircleCheck, ListTodo } from "lucide-react";
import type { Filter } from "@/lib/tasks/view";

const texts: Record<Filter, { title: string; lead: string }> = {
  all: {
    title: "Nothing here yet",
    lead: "Add your first todo above, or ask the assistant to add it.",
  },
  pending: { title: "Nothing left to do", lead: "All your todos are done." },
  completed: { title: "Nothing done yet", lead: "Todos that are done appear here." },
};

/** Replaces the list when the filter finds no todo. */
export function TaskEmpty({ filter }: { filter: Filter }) {
  const Icon = filter === "pending" ? CircleCheck : ListTodo;
  return (
    <div className="mt-4 rounded-2xl border border-dashed border-line-strong/50 px-6 py-14 text-center">
      <Icon className="mx-auto size-9 text-accent" strokeWidth={1.5} aria-hidden="true" />
      <p className="mt-3 font-medium">{texts[filter].title}</p>
      <p className="mx-auto mt-1 max-w-xs text-sm text-balance text-muted">{texts[filter].lead}</p>
    </div>
  );
}

/** Replaces the list while it is loaded for the first time. */
export function TaskSkeleton() {
  return (
    <div role="status" className="mt-4 divide-y rounded-2xl border bg-surface">
      <span className="sr-only">Loading your todos…</span>
      {["w-2/5", "w-3/5", "w-1/3"].map((width) => (
        <div key={width} className="flex animate-pulse items-center gap-3 px-4 py-4.5">
          <div className="size-5 rounded-full bg-sunken" />
          <div className={`h-4 rounded bg-sunken ${width}`} />
        </div>
      ))}
    </div>
  );
}
