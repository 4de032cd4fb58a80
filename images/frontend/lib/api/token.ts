import { offlineError, problemOf } from "./errors";

type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** Exchanges the session for the backend's token once and keeps it in memory. */
export class TokenSource {
  private token: Promise<string> | undefined;

  constructor(private readonly fetch: Fetch) {}

  /** get returns the token; it throws an ApiError, with status 401 when the
   * session is over. A failure is not kept. */
  get(): Promise<string> {
    this.token ??= this.load().catch((error: unknown) => {
      this.token = undefined;
      throw error;
    });
    return this.token;
  }

  /** forget makes the next get ask again. */
  forget(): void {
    this.token = undefined;
  }

  private async load(): Promise<string> {
    let response: Response;
    try {
      response = await this.fetch("/api/auth/token", { cache: "no-store" });
    } catch {
      throw offlineError();
    }
    const body = (await response.json().catch(() => ({}))) as { token?: string; message?: string };
    if (!response.ok || body.token === undefined) {
      throw problemOf(response.status, { detail: body.message });
    }
    return body.token;
  }
}

/** authorizedFetch sends requests with the token. When the backend refuses it,
 * it gets a new one and tries once more; when the session is over, it calls
 * onSignedOut. Every error it throws is an ApiError, but for an abort. */
export function authorizedFetch(tokens: TokenSource, fetch: Fetch, onSignedOut: () => void) {
  async function attempt(request: Request): Promise<Response> {
    const token = await tokens.get();
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${token}`);
    try {
      return await fetch(new Request(request, { headers }));
    } catch (error) {
      if (request.signal.aborted) throw error;
      throw offlineError();
    }
  }

  return async (request: Request): Promise<Response> => {
    const second = request.clone();
    try {
      const response = await attempt(request);
      if (response.status !== 401) return response;
      tokens.forget();
      return await attempt(second);
    } catch (error) {
      if (error instanceof Error && "status" in error && error.status === 401) onSignedOut();
      throw error;
    }
  };
}
