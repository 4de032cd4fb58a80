import { offlineError, problemOf } from "./errors";

type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A token is exchanged for the next one when less than this is left, in milliseconds. */
const early = 2 * 60_000;

/** What a server says that names no lifetime, in seconds. */
const assumedLifetime = 15 * 60;

interface Held {
  token: string;
  /** When it was asked for, and how long it is good for, in milliseconds. */
  since: { clock: number; steady: number };
  lifetime: number;
}

/** now reads two clocks: one goes on while the computer sleeps, the other does not jump
 * when somebody sets the time. */
function now() {
  return { clock: Date.now(), steady: performance.now() };
}

/** left returns for how long a token is good, in milliseconds, by the clock that ran
 * further. The server's own clock does not matter. */
function left({ since, lifetime }: Held): number {
  const { clock, steady } = now();
  return lifetime - Math.max(clock - since.clock, steady - since.steady);
}

/** Exchanges the session for the backend's token, keeps it in memory, and exchanges it
 * anew before it ends. */
export class TokenSource {
  private held: Held | undefined;
  private loading: Promise<Held> | undefined;

  constructor(private readonly fetch: Fetch) {}

  /** get returns the token; it throws an ApiError, with status 401 when the
   * session is over. A failure is not kept, and while the token is still good only the
   * end of the session counts as one. */
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

  /** forget makes the next get ask again, unless another token came meanwhile. */
  forget(token: string): void {
    if (this.held?.token === token) this.held = undefined;
  }

  /** load asks once, however many wait for the answer. */
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

/** authorizedFetch sends requests with the token. When the backend refuses it,
 * it gets a new one and tries once more; when the session is over, it calls
 * onSignedOut. Every error it throws is an ApiError, but for an abort. */
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
