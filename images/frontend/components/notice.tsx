import { CloudOff } from "lucide-react";
import type { ReactNode } from "react";

/** A strip that shows a problem while the page stays usable. */
export function Notice({ children }: { children: ReactNode }) {
  return (
    <p
      role="status"
      className="flex items-center gap-2.5 bg-warning-soft px-4 py-2 text-sm text-warning-ink lg:px-6"
    >
      <CloudOff className="size-4 shrink-0" aria-hidden="true" />
      {children}
    </p>
  );
}
