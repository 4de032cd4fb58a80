import { authFor, withBrowserOrigin } from "@/lib/server/auth";
import type { Auth } from "@/lib/server/create-auth";
import { problem } from "@/lib/server/problem";
import { type Runtime, runtime } from "@/lib/server/runtime";
import { unavailable } from "@/lib/server/unavailable";

export const dynamic = "force-dynamic";

type Answer = (request: Request, auth: Auth, runtime: Runtime) => Promise<Response>;

const byBetterAuth: Answer = (request, auth) => auth.handler(request);

/** The routes of this application. Better Auth has more, which are not used here and would
 * need their own limits. */
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
      return problem(404, "NOT_FOUND", "There is nothing at this address.");
    }
    const auth = await authFor(request.headers);
    const response = await answer(withBrowserOrigin(request), auth, runtime());
    // Better Auth returns an empty 500 when the database is not available.
    if (response.status === 500) return unavailable("account request ended in status 500");
    return response;
  } catch (error) {
    return unavailable(error);
  }
}

export { handler as GET, handler as POST };
