import { useCallback, useState } from "react";
import type { Conversation } from "@/lib/api/client";

/** A conversation, "new" for one that is not begun, or undefined for the last used. */
type Choice = number | "new" | undefined;

const parameter = "conversation";

function readAddress(): Choice {
  if (typeof window === "undefined") return undefined;
  const id = Number(new URLSearchParams(window.location.search).get(parameter));
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

function writeAddress(choice: Choice): void {
  const url = new URL(window.location.href);
  if (typeof choice === "number") url.searchParams.set(parameter, String(choice));
  else url.searchParams.delete(parameter);
  window.history.replaceState(null, "", url);
}

/** useConversationChoice keeps which conversation is open: in the address, so
 * that a reload comes back to it; without one there, the last used is open. */
export function useConversationChoice(conversations: readonly Conversation[] | undefined) {
  const [choice, setChoice] = useState<Choice>(readAddress);
  const choose = useCallback((next: number | "new") => {
    setChoice(next);
    writeAddress(next);
  }, []);
  const current = choice === "new" ? undefined : (choice ?? conversations?.[0]?.id);
  return { current, isNew: choice === "new", choose };
}
