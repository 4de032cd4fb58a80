import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { Preview } from "@/components/account/preview";
import { Logo } from "@/components/logo";
import { currentUser } from "@/lib/server/session";

/** Tells whether the person is signed in. When the session cannot be checked, the form is
 * shown; it reports the problem when it is sent. */
async function signedIn(): Promise<boolean> {
  try {
    return (await currentUser()) !== undefined;
  } catch {
    return false;
  }
}

export default async function AccountLayout({ children }: { children: ReactNode }) {
  if (await signedIn()) redirect("/");
  return (
    <div className="grid min-h-dvh lg:grid-cols-2">
      <div className="flex flex-col px-6 py-6 sm:px-10">
        <header className="flex items-center gap-2.5 font-semibold">
          <Logo /> Todo Chatbot
        </header>
        <main className="grid flex-1 place-items-center py-10">{children}</main>
      </div>
      <div className="hidden place-items-center border-l bg-sunken p-12 lg:grid">
        <Preview />
      </div>
    </div>
  );
}
