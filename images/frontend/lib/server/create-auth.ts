import { betterAuth } from "better-auth";
import { authOptions } from "./auth-options";
import type { Scheme } from "./origin";
import { runtime } from "./runtime";

export type Auth = ReturnType<typeof createAuth>;

/** createAuth returns the Better Auth instance for a scheme. */
export function createAuth(scheme: Scheme) {
  const { settings, pool } = runtime();
  return betterAuth(
    authOptions({
      secret: settings.authSecret,
      pool,
      scheme,
      trustedOrigins: settings.publicUrl ? [settings.publicUrl.origin] : [],
    }),
  );
}
