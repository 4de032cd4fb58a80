import { authFor } from "@/lib/server/auth";
import { runtime } from "@/lib/server/runtime";
import { issueToken, lifetimeSeconds } from "@/lib/server/token";
import { unavailable } from "@/lib/server/unavailable";

export const dynamic = "force-dynamic";

/** Exchanges the session cookie for a token of the backend, and renews the cookie when due. */
export async function GET(request: Request): Promise<Response> {
  try {
    const auth = await authFor(request.headers);
    const { response: session, headers } = await auth.api.getSession({
      headers: request.headers,
      returnHeaders: true,
    });
    const answer = new Headers({ "cache-control": "no-store" });
    for (const cookie of headers.getSetCookie()) answer.append("set-cookie", cookie);
    if (session === null) {
      return Response.json({ message: "Sign in first." }, { status: 401, headers: answer });
    }
    const token = await issueToken(session.user, runtime().settings.authSecret);
    return Response.json(
      { token, user_id: session.user.id, expires_in: lifetimeSeconds },
      { headers: answer },
    );
  } catch (error) {
    return unavailable(error);
  }
}
