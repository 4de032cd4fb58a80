/** nonceOf returns the nonce in the policy that proxy.ts gave the request, for inline
 * scripts of our own. */
export function nonceOf(headers: { get(name: string): string | null }): string | undefined {
  return /'nonce-([A-Za-z0-9+/=]+)'/.exec(headers.get("content-security-policy") ?? "")?.[1];
}
