"use client";

import { ArrowDownUp } from "lucide-react";
import { type Counts, type Filter, filters, type Order, orders } from "@/lib/tasks/view";

interface TaskFilterProps {
  filter: Filter;
  order: Order;
  counts: Counts | undefined;
  onFilter: (filter: Filter) => void;
  onOrder: (order: Order) => void;
}

const filterLabels: Record<Filter, string> = { all: "All", pending: "To do", completed: "Done" };
const orderLabels: Record<Order, string> = {
  newest: "Newest first",
  oldest: "Oldest first",
  title: "By title",
};

/** The controls for the filter and the order of the list. */
export function TaskFilter({ filter, order, counts, onFilter, onOrder }: TaskFilterProps) {
  return (
    <div className="mt-6 flex flex-wrap items-center justify-between gap-2">
      <fieldset className="flex gap-1 rounded-xl bg-sunken p-1">
        <legend className="sr-only">Show</legend>
        {filters.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={filter === name}
            onClick={() => onFilter(name)}
            className="h-8 rounded-lg px-2.5 text-sm sm:px-3 font-medium text-muted transition-colors hover:text-ink aria-pressed:bg-surface aria-pressed:text-ink aria-pressed:shadow-sm dark:aria-pressed:bg-line"
          >
            {filterLabels[name]}
            {counts && <span className="ml-1.5 tabular-nums opacity-80">{counts[name]}</span>}
          </button>
        ))}
      </fieldset>
      <label className="relative flex items-center text-sm text-muted">
        <span className="sr-only">Order</span>
        <ArrowDownUp
          className="pointer-events-none absolute left-2.5 size-3.5"
          aria-hidden="true"
        />
        <select
          value={order}
          onChange={(event) => onOrder(event.target.value as Order)}
          className="h-9 cursor-pointer appearance-none rounded-lg bg-transparent pr-2.5 pl-8 font-medium hover:bg-sunken hover:text-ink"
        >
          {orders.map((name) => (
            <option key={name} value={name} className="bg-surface text-ink">
              {orderLabels[name]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
