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

it("marks a todo as done", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("checkbox", { name: "Done: Buy milk" }));
  expect(onChange).toHaveBeenCalledWith(task, { completed: true });
});

it("edits a todo in place and returns the focus to the edit button", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.clear(screen.getByLabelText("Title"));
  await user.type(screen.getByLabelText("Title"), " Buy oat milk ");
  await user.clear(screen.getByLabelText("Details"));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(onChange).toHaveBeenCalledWith(task, { title: "Buy oat milk", description: null });
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Edit Buy milk" }));
});

it("does not change a todo on Escape, or on Save without an edit", async () => {
  const { onChange, user } = show();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.type(screen.getByLabelText("Title"), "x{Escape}");
  expect(screen.getByText("Buy milk")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Edit Buy milk" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(onChange).not.toHaveBeenCalled();
});

it("deletes a todo", async () => {
  const { onDelete, user } = show();
  await user.click(screen.getByRole("button", { name: "Delete Buy milk" }));
  expect(onDelete).toHaveBeenCalledWith(task);
});
