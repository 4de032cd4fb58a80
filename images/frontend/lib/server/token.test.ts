import { jwtVerify } from "jose";
import { expect, it } from "vitest";
import { issueToken, tokenAudience, tokenIssuer } from "./token";

const secret = "0123456789abcdef0123456789abcdef";
const key = new TextEncoder().encode(secret);

it("issues a token with the claims of the backend, valid for fifteen minutes", async () => {
  const now = new Date("2026-01-02T03:04:05.678Z");
  const token = await issueToken({ id: "u1", email: "ann@example.com" }, secret, now);
  const { payload, protectedHeader } = await jwtVerify(token, key, {
    issuer: tokenIssuer,
    audience: tokenAudience,
    currentDate: now,
  });
  const issuedAt = Math.floor(now.getTime() / 1000);
  expect(protectedHeader.alg).toBe("HS256");
  expect(payload).toEqual({
    sub: "u1",
    email: "ann@example.com",
    iss: "todo-chatbot",
    aud: "todo-chatbot-api",
    iat: issuedAt,
    exp: issuedAt + 900,
  });
});

it("signs with the secret", async () => {
  const token = await issueToken({ id: "u1", email: "a@b" }, `${secret}x`);
  await expect(jwtVerify(token, key)).rejects.toThrow("signature");
});
