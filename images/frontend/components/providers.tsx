"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Toaster } from "sonner";

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // A server on the same machine can be reached while the browser is offline.
      queries: { networkMode: "always", retry: 1, staleTime: 1_000 },
      mutations: { networkMode: "always" },
    },
  });
}

/** The context that the client components share. */
export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(createQueryClient);
  return (
    <QueryClientProvider client={client}>
      {children}
      <Toaster
        position="bottom-left"
        duration={8_000}
        offset={{ bottom: "var(--message-bottom)" }}
        mobileOffset={{ bottom: "var(--message-bottom)" }}
        toastOptions={{
          unstyled: true,
          classNames: {
            toast:
              "flex w-full items-center gap-3 rounded-xl bg-ink px-4 py-3 text-sm text-canvas shadow-card",
            content: "min-w-0 flex-1",
            title: "break-words",
            actionButton:
              "shrink-0 rounded-lg px-2.5 py-1.5 font-semibold underline underline-offset-4 hover:bg-canvas/15",
          },
        }}
      />
    </QueryClientProvider>
  );
}
