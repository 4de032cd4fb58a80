import { Check, Plus } from "lucide-react";

const todos = [
  { title: "Buy groceries", done: false, fresh: true },
  { title: "Call mom tonight", done: false, fresh: false },
  { title: "Pay the electricity bill", done: true, fresh: false },
];

/** A picture of the application, next to the account forms. It is hidden from screen readers,
 * because it has no information of its own. */
export function Preview() {
  return (
    <div aria-hidden="true" className="w-full max-w-md select-none">
      <div className="ml-auto w-fit rounded-2xl rounded-br-md bg-accent px-4 py-2.5 text-on-accent">
        Add a todo to buy groceries
      </div>
      <div className="mt-4 w-fit max-w-[85%]">
        <p className="rounded-2xl rounded-bl-md border bg-surface px-4 py-2.5">
          Done! I have added “Buy groceries” to your list.
        </p>
        <p className="mt-2 inline-flex items-center gap-1.5 rounded-full bg-accent-soft px-2.5 py-1 text-xs font-medium text-accent">
          <Plus className="size-3.5" /> Added “Buy groceries”
        </p>
      </div>
      <ul className="mt-8 divide-y overflow-hidden rounded-2xl border bg-surface shadow-card">
        {todos.map((todo) => (
          <li
            key={todo.title}
            className={`flex items-center gap-3 px-4 py-3.5 ${todo.fresh ? "bg-accent-soft/60" : ""}`}
          >
            <span
              className={`grid size-5 place-items-center rounded-full border-2 ${todo.done ? "border-accent bg-accent text-on-accent" : "border-line-strong"}`}
            >
              {todo.done && <Check className="size-3.5" strokeWidth={3} />}
            </span>
            <span className={todo.done ? "text-muted line-through" : ""}>{todo.title}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
