"use client";

import { CloudOff } from "lucide-react";
import { useRouter } from "next/navigation";
import { startTransition, useEffect } from "react";
import { Button } from "@/components/ui/button";

/** The page for a server error, mostly a database that is not available. It loads the page
 * again every few seconds. */
export default function ErrorPage({ reset }: { reset: () => void }) {
  const router = useRouter();
  useEffect(() => {
    const again = () =>
      startTransition(() => {
        router.refresh();
        reset();
      });
    const timer = setInterval(again, 4_000);
    return () => clearInterval(timer);
  }, [router, reset]);
  return (
    <main className="grid min-h-dvh place-items-center p-6 text-center">
      <div role="alert">
        <CloudOff className="mx-auto size-10 text-muted" aria-hidden="true" />
        <h1 className="mt-4 text-xl font-semibold">Your todos cannot be reached right now</h1>
        <p className="mt-2 text-muted">Your todos are safe. This page tries again automatically.</p>
        <Button className="mt-6" onClick={() => window.location.reload()}>
          Try again now
        </Button>
      </div>
    </main>
  );
}
