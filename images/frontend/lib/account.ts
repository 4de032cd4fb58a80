/** AccountError has a message for people. */
export class AccountError extends Error {}

interface AccountProblem {
  code?: string;
  message?: string;
  /** The message, in answers of the gateway. */
  detail?: string;
}

const messages: Readonly<Record<string, string>> = {
  INVALID_EMAIL_OR_PASSWORD: "The email or the password is wrong.",
  USER_ALREADY_EXISTS: "An account with this email already exists. Sign in instead?",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL:
    "An account with this email already exists. Sign in instead?",
};

async function post(path: string, body: object): Promise<void> {
  let response: Response;
  try {
    response = await fetch(`/api/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new AccountError("The server cannot be reached. Check your connection and try again.");
  }
  if (response.ok) return;
  const problem = (await response.json().catch(() => ({}))) as AccountProblem;
  const message = messages[problem.code ?? ""] ?? problem.message ?? problem.detail;
  if (message !== undefined) throw new AccountError(message);
  throw new AccountError(
    response.status === 429
      ? "Too many attempts. Wait a minute and try again."
      : "The request failed. Please try again.",
  );
}

/** The calls below set or clear the session cookie, or throw an AccountError. */
export const account = {
  signUp: (name: string, email: string, password: string) =>
    post("sign-up/email", { name, email, password }),
  signIn: (email: string, password: string) => post("sign-in/email", { email, password }),
  signOut: () => post("sign-out", {}),
};
