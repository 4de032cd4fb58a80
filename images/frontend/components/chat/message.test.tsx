// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Reply } from "./message";

it("shows a tool call in short, with its details", () => {
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

it("renders Markdown lists, but neither images nor HTML", () => {
  const text = '- one\n- two\n\n![x](http://evil.example/a.png) <img src="x" onerror="alert(1)">';
  const { container } = render(<Reply text={text} tools={[]} />);
  expect(container.querySelectorAll("li")).toHaveLength(2);
  expect(container.querySelector("img")).toBeNull();
});

it("does not link to a javascript: address", () => {
  render(<Reply text="[click](javascript:alert(1)) [go](https://example.com)" tools={[]} />);
  expect(screen.getByText("click").getAttribute("href") ?? "").toBe("");
  expect(screen.getByText("go").getAttribute("rel")).toContain("noopener");
});

it("announces that the assistant is answering", () => {
  render(<Reply text="" tools={[]} coming />);
  expect(screen.getByRole("status").textContent).toContain("answering");
});
