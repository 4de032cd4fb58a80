import { POST } from "@/app/api/auth/[...all]/route";

export const password = "walrus under a lilac sky";

export interface Sent {
  address?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

/** post sends a request to the route, with the headers of the gateway. */
export function post(path: string, body: object, { address, cookie, headers }: Sent = {}) {
  return POST(
    new Request(`http://localhost:8080/api/auth/${path}`, {
      method: "POST",
      headers: {
        host: "localhost:8080",
        origin: "http://localhost:8080",
        "content-type": "application/json",
        "x-forwarded-for": address ?? "192.0.2.1",
        ...(cookie === undefined ? {} : { cookie }),
        ...headers,
      },
      body: JSON.stringify(body),
    }),
  );
}

let people = 0;

/** newEmail returns an email without an account. */
export const newEmail = () => `person-${++people}@example.com`;

/** cookiesOf returns the Cookie header of a browser after this response. */
export function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

/** tally counts responses by status. */
export function tally(responses: Response[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
