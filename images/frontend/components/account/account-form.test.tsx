// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { AccountForm } from "./account-form";

/** Answers every call with the given status and body, and records it. */
function answering(status: number, body: object) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => Response.json(body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function fill(values: Record<string, string>) {
  const user = userEvent.setup();
  for (const [label, text] of Object.entries(values)) {
    await user.click(screen.getByLabelText(label));
    await user.paste(text);
  }
  return user;
}

it("shows a plain message for a wrong email or password", async () => {
  const fetch = answering(401, { code: "INVALID_EMAIL_OR_PASSWORD", message: "raw" });
  render(<AccountForm mode="sign-in" />);
  const user = await fill({ Email: "ann@example.com", Password: "wrong horse" });
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect((await screen.findByRole("alert")).textContent).toContain(
    "email or the password is wrong",
  );
  expect(fetch.mock.calls[0]?.[0]).toBe("/api/auth/sign-in/email");
  expect(JSON.parse(String(fetch.mock.calls[0]?.[1].body))).toEqual({
    email: "ann@example.com",
    password: "wrong horse",
  });
  expect((screen.getByRole("button", { name: "Sign in" }) as HTMLButtonElement).disabled).toBe(
    false,
  );
});

it("shows the message of the server when accounts are not available", async () => {
  answering(503, { code: "UNAVAILABLE", message: "Accounts cannot be reached right now." });
  render(<AccountForm mode="sign-up" />);
  const user = await fill({
    Name: "Ann",
    Email: "ann@example.com",
    Password: "correct horse battery",
  });
  await user.click(screen.getByRole("button", { name: "Create account" }));
  expect((await screen.findByRole("alert")).textContent).toContain("cannot be reached");
});

it("sends the form as POST, so that the password is not in the address", () => {
  render(<AccountForm mode="sign-in" />);
  expect(document.querySelector("form")?.method).toBe("post");
});

it("shows the password after a click on its button", async () => {
  render(<AccountForm mode="sign-in" />);
  const user = await fill({ Password: "correct horse" });
  await user.click(screen.getByRole("button", { name: "Show password" }));
  expect((screen.getByLabelText("Password") as HTMLInputElement).type).toBe("text");
});

it("shows the password rule, and the server's message about a common password", async () => {
  const sentence = "This password is too common. Choose another one.";
  answering(400, { code: "PASSWORD_NOT_ALLOWED", message: sentence });
  render(<AccountForm mode="sign-up" />);
  expect(screen.getByText(/at least 15 characters/)).toBeTruthy();
  const long = "passwordpassword";
  const user = await fill({ Name: "Ann", Email: "ann@example.com", Password: long });
  await user.click(screen.getByRole("button", { name: "Create account" }));
  expect((await screen.findByRole("alert")).textContent).toContain(sentence);
});

it("shows the server's message about too many attempts", async () => {
  answering(429, {
    code: "TOO_MANY_ATTEMPTS",
    message: "Too many attempts. Try again in 9 minutes.",
  });
  render(<AccountForm mode="sign-in" />);
  const user = await fill({ Email: "ann@example.com", Password: "wrong horse" });
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect((await screen.findByRole("alert")).textContent).toContain("in 9 minutes");
});
