import type { BetterAuthOptions } from "better-auth";
import type { Pool } from "pg";
import type { Scheme } from "./origin";
import { passwords } from "./passwords";

/** What both the server and the migration need to agree on. */
interface AuthInputs {
  secret: string;
  pool: Pool;
  scheme: Scheme;
  trustedOrigins?: string[];
}

const timestamps = { createdAt: "created_at", updatedAt: "updated_at" };

/** Behind a NodePort all people share the node's address, so these limits are
 * sized for a team; they slow down a script that guesses passwords. */
const credentialLimit = { window: 60, max: 300 };

/** authOptions configures Better Auth: accounts by email and password on
 * PostgreSQL. The base URL is left out on purpose: Better Auth then takes it,
 * and the origin it trusts, from each request. */
export function authOptions({ secret, pool, scheme, trustedOrigins = [] }: AuthInputs) {
  return {
    appName: "Todo Chatbot",
    secret,
    database: pool,
    trustedOrigins,
    emailAndPassword: {
      enabled: true,
      autoSignIn: true,
      minPasswordLength: 8,
      password: passwords,
    },
    user: { fields: { emailVerified: "email_verified", ...timestamps } },
    session: {
      fields: {
        expiresAt: "expires_at",
        ipAddress: "ip_address",
        userAgent: "user_agent",
        userId: "user_id",
        ...timestamps,
      },
    },
    account: {
      fields: {
        accountId: "account_id",
        providerId: "provider_id",
        userId: "user_id",
        accessToken: "access_token",
        refreshToken: "refresh_token",
        idToken: "id_token",
        accessTokenExpiresAt: "access_token_expires_at",
        refreshTokenExpiresAt: "refresh_token_expires_at",
        ...timestamps,
      },
    },
    verification: { fields: { expiresAt: "expires_at", ...timestamps } },
    rateLimit: {
      enabled: true,
      window: 60,
      max: 3_000,
      customRules: { "/sign-in/*": credentialLimit, "/sign-up/*": credentialLimit },
    },
    advanced: {
      cookiePrefix: "todo",
      useSecureCookies: scheme === "https",
    },
    logger: { level: "error" },
    telemetry: { enabled: false },
  } satisfies BetterAuthOptions;
}
