import { forward } from "@/lib/server/proxy";
import { runtime } from "@/lib/server/runtime";

export const dynamic = "force-dynamic";

/** Forwards every path under /api that no other route handler answers. */
function handler(request: Request): Promise<Response> {
  return forward(request, runtime().settings.backendUrl);
}

export {
  handler as DELETE,
  handler as GET,
  handler as HEAD,
  handler as OPTIONS,
  handler as PATCH,
  handler as POST,
  handler as PUT,
};
