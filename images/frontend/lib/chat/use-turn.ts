import { useCallback, useEffect, useReducer, useRef } from "react";
import { asApiError } from "@/lib/api/errors";
import { advance, type TurnEvent } from "./turn";

/** TurnRequest is a request that changes the turn until it ends or another one replaces it. */
export interface TurnRequest {
  signal: AbortSignal;
  isCurrent: () => boolean;
  /** Applies an event, if this request is still the current one. */
  tell: (event: TurnEvent) => void;
  /** Applies the event of a failure, with a text for people. */
  fail: (error: unknown) => void;
  end: () => void;
}

/** useTurn holds the turn and its request. At most one request is the current one. */
export function useTurn() {
  const [turn, dispatch] = useReducer(advance, undefined);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  /** Returns a new current request, or undefined while another one runs. */
  const begin = useCallback((): TurnRequest | undefined => {
    if (running.current !== undefined) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    running.current = controller;
    const isCurrent = () => running.current === controller;
    const tell = (event: TurnEvent) => isCurrent() && dispatch(event);
    const fail = (error: unknown) =>
      tell({
        type: "failed",
        problem: signal.aborted ? "You stopped the answer." : asApiError(error).message,
      });
    const end = () => {
      if (isCurrent()) running.current = undefined;
    };
    return { signal, isCurrent, tell, fail, end };
  }, []);

  const stop = useCallback(() => running.current?.abort(), []);
  /** Removes the turn. Its request may still run, but no longer changes the turn. */
  const clear = useCallback(() => {
    running.current = undefined;
    dispatch({ type: "finished" });
  }, []);
  const busy = turn !== undefined && turn.problem === undefined;
  return { turn, busy, begin, stop, clear };
}
