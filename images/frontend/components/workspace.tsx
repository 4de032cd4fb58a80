"use client";

import { ListTodo, MessageCircle } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { ChatPanel } from "@/components/chat/chat-panel";
import { Header } from "@/components/header";
import { TaskPanel } from "@/components/tasks/task-panel";
import type { ToolCall } from "@/lib/api/client";
import { taskIdOf } from "@/lib/chat/tools";
import type { SessionUser } from "@/lib/server/session";

type Pane = "todos" | "assistant";

const panes = [
  { pane: "todos", label: "Todos", Icon: ListTodo },
  { pane: "assistant", label: "Assistant", Icon: MessageCircle },
] as const;

/** How long a todo stays marked after the assistant changed it. */
const markedMs = 2_500;

/** Remembers the todos that the assistant has just changed. */
function useMarkedTasks() {
  const [marked, setMarked] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => {
    if (marked.size === 0) return;
    const timer = setTimeout(() => setMarked(new Set()), markedMs);
    return () => clearTimeout(timer);
  }, [marked]);
  const mark = useCallback((call: ToolCall) => {
    const id = taskIdOf(call);
    if (id !== undefined) setMarked((now) => new Set(now).add(id));
  }, []);
  return { marked, mark };
}

/** Todos and assistant next to each other; on a narrow screen, one at a time. */
export function Workspace({ user }: { user: SessionUser }) {
  const [pane, setPane] = useState<Pane>("todos");
  const [news, setNews] = useState(false);
  const { marked, mark } = useMarkedTasks();
  const onTool = useCallback(
    (call: ToolCall) => {
      mark(call);
      if (taskIdOf(call) !== undefined) setNews(true);
    },
    [mark],
  );

  function show(next: Pane) {
    setPane(next);
    if (next === "todos") setNews(false);
  }

  return (
    <div className="flex h-dvh flex-col">
      <Header user={user} />
      <main className="grid min-h-0 flex-1 grid-cols-1 lg:grid-cols-[minmax(0,1fr)_minmax(24rem,30rem)]">
        <TaskPanel
          userId={user.id}
          marked={marked}
          className={pane === "todos" ? "" : "max-lg:hidden"}
        />
        <ChatPanel
          userId={user.id}
          onTool={onTool}
          className={pane === "assistant" ? "" : "max-lg:hidden"}
        />
      </main>
      <nav
        aria-label="Sections"
        className="grid shrink-0 grid-cols-2 border-t bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
      >
        {panes.map(({ pane: name, label, Icon }) => (
          <button
            key={name}
            type="button"
            aria-current={pane === name ? "page" : undefined}
            onClick={() => show(name)}
            className="relative flex flex-col items-center gap-0.5 py-2 text-xs font-medium text-muted -outline-offset-2 aria-[current]:text-accent"
          >
            <Icon className="size-5" aria-hidden="true" />
            {label}
            {name === "todos" && news && pane !== "todos" && (
              <span className="absolute top-1.5 left-[calc(50%+0.6rem)] size-2 rounded-full bg-accent">
                <span className="sr-only">changed</span>
              </span>
            )}
          </button>
        ))}
      </nav>
    </div>
  );
}
