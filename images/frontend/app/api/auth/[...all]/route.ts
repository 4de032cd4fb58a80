import { authFor, withBrowserOrigin } from "@/lib/server/auth";
import { unavailable } from "@/lib/server/unavailable";

export const dynamic = "force-dynamic";

async function handler(request: Request): Promise<Response> {
  try {
    const auth = await authFor(request.headers);
    const response = await auth.handler(withBrowserOrigin(request));
    // Better Auth answers an empty 500 when the database is away.
    if (response.status === 500) return unavailable("account request ended in status 500");
    return response;
  } catch (error) {
    return unavailable(error);
  }
}

export { handler as GET, handler as POST };
