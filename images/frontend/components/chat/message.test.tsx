// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Reply } from "./message";

it("shows what was called, and in full when opened", () => {
  const call = {
    name: "add_task",
    arguments: { title: "Milk" },
    result: { task_id: 1, title: "Milk" },
  };
  render(<Reply text="Done!" tools={[call]} />);
  expect(screen.getByText("Added “Milk”")).toBeTruthy();
  expect(screen.getByText("add_task")).toBeTruthy();
  expect(screen.getByText(/"task_id": 1/)).toBeTruthy();
});

it("writes lists as lists, and neither loads images nor runs markup", () => {
  const text = '- one\n- two\n\n![x](http://evil.example/a.png) <img src="x" onerror="alert(1)">';
  const { container } = render(<Reply text={text} tools={[]} />);
  expect(container.querySelectorAll("li")).toHaveLength(2);
  expect(container.querySelector("img")).toBeNull();
});

it("makes no link of a javascript: address", () => {
  render(<Reply text="[click](javascript:alert(1)) [go](https://example.com)" tools={[]} />);
  expect(screen.getByText("click").getAttribute("href") ?? "").toBe("");
  expect(screen.getByText("go").getAttribute("rel")).toContain("noopener");
});

it("says that the assistant is answering", () => {
  render(<Reply text="" tools={[]} coming />);
  expect(screen.getByRole("status").textContent).toContain("answering");
});
