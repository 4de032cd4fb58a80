import { expect, it } from "vitest";
import { asApiError, problemOf } from "./errors";

it.each([
  [404, { detail: "Not found." }, "missing", "Not found."],
  [
    422,
    { detail: "Invalid.", errors: [{ field: "title", message: "Title is too long." }] },
    "refused",
    "Title is too long.",
  ],
  [502, { detail: "Try later." }, "unavailable", "Try later."],
  [429, {}, "unavailable", "Something went wrong on our side. Please try again."],
  [500, "<html>", "unavailable", "Something went wrong on our side. Please try again."],
  [
    422,
    { detail: [{ msg: "raw" }] },
    "refused",
    "Something went wrong on our side. Please try again.",
  ],
])("turns status %d with body %j into an error", (status, body, kind, message) => {
  expect(problemOf(status, body)).toMatchObject({ kind, message, status });
});

it("treats an unknown error as a lost connection", () => {
  expect(asApiError(new TypeError("fetch failed")).kind).toBe("offline");
});
