/** How a call failed, as far as people need to know. */
export type ApiErrorKind = "offline" | "unavailable" | "missing" | "refused";

/** ApiError carries a message for people. */
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

/** problemOf turns an error answer of the backend, of the proxy or of anything
 * between into an ApiError. */
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

/** offlineError says that no answer came at all. */
export function offlineError(): ApiError {
  return new ApiError("offline", "The server cannot be reached. Check your connection.");
}

/** interruptedError says that an answer began and did not end. */
export function interruptedError(): ApiError {
  return new ApiError("offline", "The connection was lost before the answer was complete.");
}

/** asApiError makes any error presentable. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : offlineError();
}
