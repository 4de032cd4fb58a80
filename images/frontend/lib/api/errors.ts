/** The kinds of failures that people see differently. */
export type ApiErrorKind = "offline" | "unavailable" | "missing" | "refused";

/** ApiError has a message for people. */
export class ApiError extends Error {
  constructor(
    readonly kind: ApiErrorKind,
    message: string,
    readonly status = 0,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

interface Problem {
  detail?: unknown;
  errors?: { field: string; message: string }[] | null;
}

function kindOf(status: number): ApiErrorKind {
  if (status === 404) return "missing";
  return status >= 500 || status === 429 ? "unavailable" : "refused";
}

/** problemOf turns an error response into an ApiError. The response can come from the
 * backend, the gateway or a proxy. */
export function problemOf(status: number, body: unknown): ApiError {
  const { detail, errors } = (typeof body === "object" && body !== null ? body : {}) as Problem;
  const fields = (errors ?? []).map((error) => error.message).join(" ");
  const message = fields || (typeof detail === "string" ? detail : "");
  return new ApiError(
    kindOf(status),
    message || "Something went wrong on our side. Please try again.",
    status,
  );
}

/** offlineError means that there was no response. */
export function offlineError(): ApiError {
  return new ApiError("offline", "The server cannot be reached. Check your connection.");
}

/** interruptedError means that the response was incomplete. */
export function interruptedError(): ApiError {
  return new ApiError("offline", "The connection was lost before the answer was complete.");
}

/** asApiError returns an error with a message for people. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : offlineError();
}
