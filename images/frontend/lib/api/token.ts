import { offlineError, problemOf } from "./errors";

type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A token is renewed when it is valid for less than this, in milliseconds. */
const early = 2 * 60_000;

/** The lifetime of a token when the server gives none, in seconds. */
const assumedLifetime = 15 * 60;

interface Held {
  token: string;
  /** The time of the request, on two clocks, and the lifetime; in milliseconds. */
  since: { clock: number; steady: number };
  lifetime: number;
}

/** now reads two clocks. One continues while the computer sleeps; the other does not change
 * when the system time is set. */
function now() {
  return { clock: Date.now(), steady: performance.now() };
}

/** left returns the remaining lifetime of a token in milliseconds, by the clock that advanced
 * more. The clock of the server is not used. */
function left({ since, lifetime }: Held): number {
  const { clock, steady } = now();
  return lifetime - Math.max(clock - since.clock, steady - since.steady);
}

/** TokenSource exchanges the session for a token of the backend, keeps it in memory, and
 * renews it before it expires. */
export class TokenSource {
  private held: Held | undefined;
  private loading: Promise<Held> | undefined;

  constructor(private readonly fetch: Fetch) {}

  /** get returns the token, or throws an ApiError; status 401 means that the session has
   * ended. While the token is valid, other failures of the renewal are ignored. */
  async get(): Promise<string> {
    const held = this.held;
    if (held !== undefined && left(held) > early) return held.token;
    try {
      return (await this.load()).token;
    } catch (error) {
      const over = error instanceof Error && "status" in error && error.status === 401;
      if (over || held === undefined || held !== this.held || left(held) <= 0) throw error;
      return held.token;
    }
  }

  /** forget removes the token, unless it was renewed meanwhile. */
  forget(token: string): void {
    if (this.held?.token === token) this.held = undefined;
  }

  /** load sends one request for all callers that wait. */
  private load(): Promise<Held> {
    this.loading ??= this.ask()
      .then((held) => {
        this.held = held;
        return held;
      })
      .finally(() => {
        this.loading = undefined;
      });
    return this.loading;
  }

  private async ask(): Promise<Held> {
    const since = now();
    let response: Response;
    try {
      response = await this.fetch("/api/auth/token", { cache: "no-store" });
    } catch {
      throw offlineError();
    }
    const body = (await response.json().catch(() => ({}))) as {
      token?: string;
      expires_in?: number;
      message?: string;
    };
    if (!response.ok || body.token === undefined) {
      throw problemOf(response.status, { detail: body.message });
    }
    return { token: body.token, since, lifetime: (body.expires_in ?? assumedLifetime) * 1_000 };
  }
}

/** authorizedFetch returns a function that sends requests with the token. When the backend
 * refuses the token, the function gets a new one and tries once more. When the session has
 * ended, it calls onSignedOut. Its errors are ApiErrors, except after an abort. */
export function authorizedFetch(tokens: TokenSource, fetch: Fetch, onSignedOut: () => void) {
  async function attempt(request: Request, token: string): Promise<Response> {
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
      const token = await tokens.get();
      const response = await attempt(request, token);
      if (response.status !== 401) return response;
      tokens.forget(token);
      return await attempt(second, await tokens.get());
    } catch (error) {
      if (error instanceof Error && "status" in error && error.status === 401) onSignedOut();
      throw error;
    }
  };
}
