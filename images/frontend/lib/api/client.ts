import createClient from "openapi-fetch";
import { problemOf } from "./errors";
import type { components, paths } from "./schema";
import { authorizedFetch, TokenSource } from "./token";

export type Task = components["schemas"]["TaskRead"];
export type TaskCreate = components["schemas"]["TaskCreate"];
export type TaskUpdate = components["schemas"]["TaskUpdate"];
export type Conversation = components["schemas"]["ConversationRead"];
export type Message = components["schemas"]["MessageRead"];
export type ToolCall = components["schemas"]["ToolCall"];
export type ChatRequest = components["schemas"]["ChatRequest"];
export type ChatResponse = components["schemas"]["ChatResponse"];

const browserFetch: typeof fetch = (input, init) => fetch(input, init);

/** fetchAsUser calls the backend for the signed-in person. When the session has ended, it
 * opens the sign-in page. */
export const fetchAsUser = authorizedFetch(new TokenSource(browserFetch), browserFetch, () =>
  window.location.assign("/sign-in"),
);

/** The typed client of the backend, generated from its OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: typeof window === "undefined" ? "http://localhost" : window.location.origin,
  fetch: fetchAsUser,
});

/** expectData returns the body of a successful response, or throws an ApiError. */
export function expectData<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (result.response.ok) return result.data as T;
  throw problemOf(result.response.status, result.error);
}
