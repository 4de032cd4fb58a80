// @vitest-environment jsdom
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { Providers } from "@/components/providers";
import type { Task } from "@/lib/api/client";
import { startBackend } from "@/lib/testing/backend";
import { TaskPanel } from "./task-panel";

const milk: Task = {
  id: 1,
  user_id: "u1",
  title: "Milk",
  description: "Two litres",
  completed: true,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
};

it("adds a deleted todo again on undo, with its details and its state", async () => {
  let stored = [milk];
  const backend = startBackend({
    "GET /api/u1/tasks": () => Response.json(stored),
    "DELETE /api/u1/tasks/1": () => {
      stored = [];
      return new Response(null, { status: 204 });
    },
    "POST /api/u1/tasks": async (request) => {
      const added = { ...milk, ...((await request.json()) as Partial<Task>), id: 2 };
      stored = [added];
      return Response.json(added, { status: 201 });
    },
  });
  render(
    <Providers>
      <TaskPanel userId="u1" marked={new Set()} className="" />
    </Providers>,
  );
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Delete Milk" }));
  await waitFor(() => expect(screen.queryByRole("checkbox")).toBeNull());
  expect(document.activeElement).toBe(screen.getByRole("heading", { name: "Your todos" }));
  // Messages handle pointers in a way that jsdom does not support.
  (await screen.findByRole("button", { name: "Undo" })).focus();
  await user.keyboard("{Enter}");
  const added = (await screen.findByRole("checkbox", { name: "Done: Milk" })) as HTMLInputElement;
  expect(added.checked).toBe(true);
  expect(screen.getByText("Two litres")).toBeTruthy();
  expect(await backend.sent("POST /api/u1/tasks")[0]?.json()).toEqual({
    title: "Milk",
    description: "Two litres",
    completed: true,
  });
});
