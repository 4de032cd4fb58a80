import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook } from "@testing-library/react";
import type { ReactNode } from "react";

/** renderWithQueries renders a hook that reads the query cache. A failed query is not
 * repeated, so that the test sees the failure. */
export function renderWithQueries<Props, Result>(
  hook: (props: Props) => Result,
  initialProps: Props,
) {
  const client = new QueryClient({
    defaultOptions: {
      queries: { networkMode: "always", retry: false },
      mutations: { networkMode: "always" },
    },
  });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return { client, ...renderHook(hook, { initialProps, wrapper }) };
}
