import type { BetterAuthOptions } from "better-auth";
import { isAPIError } from "better-auth/api";
import type { Pool } from "pg";
import { shortestPassword } from "../password-rule";
import { attemptsTable } from "./attempts";
import { longestPassword } from "./body";
import { log } from "./log";
import type { Scheme } from "./origin";
import { passwords } from "./passwords";

/** The values that the server and the migration give to Better Auth. */
interface AuthInputs {
  secret: string;
  pool: Pool;
  scheme: Scheme;
  trustedOrigins?: string[];
}

const timestamps = { createdAt: "created_at", updatedAt: "updated_at" };

/** authOptions configures Better Auth: accounts with email and password, in PostgreSQL.
 * Without a base URL, Better Auth takes it, and the trusted origin, from each request. */
export function authOptions({ secret, pool, scheme, trustedOrigins = [] }: AuthInputs) {
  return {
    appName: "Todo Chatbot",
    secret,
    database: pool,
    trustedOrigins,
    emailAndPassword: {
      enabled: true,
      autoSignIn: true,
      minPasswordLength: shortestPassword,
      maxPasswordLength: longestPassword,
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
    // Sign-in and sign-up have limits in attempts.ts, which all replicas share. The gateway
    // limits all requests of an address.
    rateLimit: { enabled: false },
    plugins: [attemptsTable],
    advanced: {
      cookiePrefix: "todo",
      useSecureCookies: scheme === "https",
      // The gateway sets this header to one address. A list of addresses is not trusted.
      ipAddress: { ipAddressHeaders: ["x-forwarded-for"], ipv6Subnet: 64 },
    },
    logger: {
      level: "error",
      log: (level, message, ...details) =>
        log(level, message, details.length > 0 ? { details } : {}),
    },
    // Replaces the console output of Better Auth.
    onAPIError: {
      onError(error) {
        if (!isAPIError(error) || error.statusCode >= 500) {
          log("error", "account request failed", { cause: error });
        }
      },
    },
    telemetry: { enabled: false },
  } satisfies BetterAuthOptions;
}
