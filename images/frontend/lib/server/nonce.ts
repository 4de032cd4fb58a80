/** nonceOf returns the nonce from the policy that proxy.ts added to the request. The inline
 * script of the layout needs it. */
export function nonceOf(headers: { get(name: string): string | null }): string | undefined {
  return /'nonce-([A-Za-z0-9+/=]+)'/.exec(headers.get("content-security-policy") ?? "")?.[1];
}
