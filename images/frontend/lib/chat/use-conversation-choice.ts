import { useCallback, useState } from "react";
import type { Conversation } from "@/lib/api/client";

/** The id of a conversation, "new" for a new one, or undefined for the last used one. */
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

/** useConversationChoice holds the open conversation. It is part of the address, so that a
 * reload opens it again. Without one in the address, the last used conversation is open. */
export function useConversationChoice(conversations: readonly Conversation[] | undefined) {
  const [choice, setChoice] = useState<Choice>(readAddress);
  const choose = useCallback((next: number | "new") => {
    setChoice(next);
    writeAddress(next);
  }, []);
  const current = choice === "new" ? undefined : (choice ?? conversations?.[0]?.id);
  return { current, isNew: choice === "new", choose };
}
