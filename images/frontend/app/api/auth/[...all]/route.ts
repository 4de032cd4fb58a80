import { authFor, withBrowserOrigin } from "@/lib/server/auth";
import type { Auth } from "@/lib/server/create-auth";
import { problem } from "@/lib/server/problem";
import { type Runtime, runtime } from "@/lib/server/runtime";
import { unavailable } from "@/lib/server/unavailable";

export const dynamic = "force-dynamic";

type Answer = (request: Request, auth: Auth, runtime: Runtime) => Promise<Response>;

const byBetterAuth: Answer = (request, auth) => auth.handler(request);

/** What there is to ask. Better Auth has more, which this application does not use and
 * which would need limits of its own. */
const answers: Readonly<Record<string, Answer>> = {
  "POST /api/auth/sign-in/email": async (...asked) =>
    (await import("@/lib/server/credentials")).signIn(...asked),
  "POST /api/auth/sign-up/email": async (...asked) =>
    (await import("@/lib/server/credentials")).signUp(...asked),
  "POST /api/auth/sign-out": async (request, ...rest) => {
    const { readObject } = await import("@/lib/server/body");
    const body = await readObject(request);
    if (body instanceof Response) return body;
    const { url, headers } = request;
    return byBetterAuth(new Request(url, { method: "POST", headers, body: "{}" }), ...rest);
  },
  "GET /api/auth/get-session": byBetterAuth,
};

async function handler(request: Request): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    const answer = answers[`${request.method} ${pathname}`];
    if (answer === undefined) {
      return problem(404, "NOT_FOUND", "There is nothing under this address.");
    }
    const auth = await authFor(request.headers);
    const response = await answer(withBrowserOrigin(request), auth, runtime());
    // Better Auth answers an empty 500 when the database is away.
    if (response.status === 500) return unavailable("account request ended in status 500");
    return response;
  } catch (error) {
    return unavailable(error);
  }
}

export { handler as GET, handler as POST };
