// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Task } from "@/lib/api/client";
import { TaskItem } from "./task-item";

const task: Task = {
  id: 3,
  user_id: "u1",
  title: "Buy milk",
  description: "Two litres",
  completed: false,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
};

function show() {
  const onChange = vi.fn();
  const onDelete = vi.fn();
  render(<TaskItem task={task} marked={false} onChange={onChange} onDelete={onDelete} />);
  return { onChange, onDelete, user: userEvent.setup() };
}

it("ticks a task off", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("checkbox", { name: "Done: Buy milk" }));
  expect(onChange).toHaveBeenCalledWith(task, { completed: true });
});

it("edits in place, and gives the focus back", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.clear(screen.getByLabelText("Title"));
  await user.type(screen.getByLabelText("Title"), " Buy oat milk ");
  await user.clear(screen.getByLabelText("Details"));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(onChange).toHaveBeenCalledWith(task, { title: "Buy oat milk", description: null });
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Edit Buy milk" }));
});

it("leaves the task alone on Escape, and on Save without a change", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.type(screen.getByLabelText("Title"), "x{Escape}");
  expect(screen.getByText("Buy milk")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(onChange).not.toHaveBeenCalled();
});

it("deletes", async () => {
  const { onDelete, user } = show();
  await user.click(screen.getByRole("button", { name: "Delete Buy milk" }));
  expect(onDelete).toHaveBeenCalledWith(task);
});
