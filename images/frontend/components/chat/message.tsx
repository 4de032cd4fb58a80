import { memo } from "react";
import Markdown from "react-markdown";
import type { ToolCall } from "@/lib/api/client";
import { ToolCalls } from "./tool-calls";

/** A message of the person. */
export const Bubble = memo(function Bubble({ text }: { text: string }) {
  return (
    <div className="ml-auto max-w-[85%] animate-appear rounded-2xl rounded-br-md bg-accent px-4 py-2.5 whitespace-pre-wrap text-on-accent wrap-anywhere">
      <span className="sr-only">You: </span>
      {text}
    </div>
  );
});

function Thinking() {
  return (
    <p role="status" className="flex h-6 items-center gap-1.5">
      <span className="sr-only">The assistant is answering…</span>
      {["", "[animation-delay:150ms]", "[animation-delay:300ms]"].map((delay) => (
        <span key={delay} className={`size-1.5 animate-pulse rounded-full bg-muted ${delay}`} />
      ))}
    </p>
  );
}

interface ReplyProps {
  text: string;
  tools: readonly ToolCall[];
  /** Whether the answer is incomplete. */
  coming?: boolean;
}

/** An answer of the assistant, with its tool calls. */
export const Reply = memo(function Reply({ text, tools, coming = false }: ReplyProps) {
  return (
    <div className="max-w-[92%] animate-appear self-start" aria-busy={coming}>
      {tools.length > 0 && <ToolCalls calls={tools} />}
      {(text !== "" || coming) && (
        <div className="w-fit rounded-2xl rounded-bl-md bg-sunken px-4 py-2.5">
          <span className="sr-only">Assistant: </span>
          {text === "" ? (
            <Thinking />
          ) : (
            <div className="prose-reply">
              {/* An image would be loaded from another host. A link opens in a new tab. */}
              <Markdown
                disallowedElements={["img"]}
                components={{
                  a: ({ href, children }) => (
                    <a href={href} target="_blank" rel="noreferrer noopener">
                      {children}
                    </a>
                  ),
                }}
              >
                {text}
              </Markdown>
            </div>
          )}
        </div>
      )}
    </div>
  );
});
