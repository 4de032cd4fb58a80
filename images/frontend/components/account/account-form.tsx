"use client";

import { CircleAlert, Eye, EyeOff, LoaderCircle } from "lucide-react";
import Link from "next/link";
import { type FormEvent, useEffect, useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { account } from "@/lib/account";
import { passwordRule, shortestPassword } from "@/lib/password-rule";

const texts = {
  "sign-in": {
    heading: "Welcome back",
    lead: "Sign in to your todos and your conversations.",
    submit: "Sign in",
    busy: "Signing in…",
    question: "New here?",
    link: "Create an account",
    href: "/sign-up",
  },
  "sign-up": {
    heading: "Create your account",
    lead: "A list of todos, and an assistant that helps you keep it.",
    submit: "Create account",
    busy: "Creating your account…",
    question: "Already have an account?",
    link: "Sign in",
    href: "/sign-in",
  },
} as const;

interface FieldProps {
  label: string;
  name: string;
  type: string;
  autoComplete: string;
  hint?: string;
  minLength?: number;
  maxLength?: number;
  autoFocus?: boolean;
}

const inputClass =
  "h-11 w-full rounded-xl border border-line-strong/60 bg-surface px-3.5 text-base transition-colors hover:border-line-strong focus:border-accent";

function Field({ label, hint, type, ...input }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = type === "password";
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          required
          type={secret && shown ? "text" : type}
          className={`${inputClass} ${secret ? "pr-12" : ""}`}
          aria-describedby={hint ? `${id}-hint` : undefined}
          {...input}
        />
        {secret && (
          <button
            type="button"
            className="absolute inset-y-0 right-1 my-auto grid size-9 place-items-center rounded-lg text-muted hover:text-ink"
            aria-label={shown ? "Hide password" : "Show password"}
            onClick={() => setShown(!shown)}
          >
            {shown ? <EyeOff className="size-4.5" /> : <Eye className="size-4.5" />}
          </button>
        )}
      </div>
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

/** The sign-in and the sign-up form. */
export function AccountForm({ mode }: { mode: "sign-in" | "sign-up" }) {
  const text = texts[mode];
  const [problem, setProblem] = useState("");
  // Before scripts run, a submit would reload the page without signing in.
  const [state, setState] = useState<"loading" | "ready" | "busy">("loading");
  useEffect(() => setState("ready"), []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string) => String(form.get(name) ?? "");
    setState("busy");
    setProblem("");
    try {
      if (mode === "sign-up") {
        await account.signUp(value("name").trim(), value("email").trim(), value("password"));
      } else {
        await account.signIn(value("email").trim(), value("password"));
      }
      // A full page load removes all data of an earlier session.
      window.location.assign("/");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setState("ready");
    }
  }

  return (
    <form method="post" onSubmit={submit} className="w-full max-w-sm">
      <h1 className="text-3xl font-semibold tracking-tight">{text.heading}</h1>
      <p className="mt-2 text-muted">{text.lead}</p>
      <div className="mt-8 space-y-5">
        {mode === "sign-up" && (
          <Field label="Name" name="name" type="text" autoComplete="name" maxLength={100} />
        )}
        <Field label="Email" name="email" type="email" autoComplete="email" maxLength={254} />
        <Field
          label="Password"
          name="password"
          type="password"
          maxLength={128}
          autoComplete={mode === "sign-up" ? "new-password" : "current-password"}
          {...(mode === "sign-up" ? { minLength: shortestPassword, hint: passwordRule } : {})}
        />
      </div>
      <div role="alert" className="mt-5 empty:hidden">
        {problem && (
          <p className="flex gap-2.5 rounded-xl bg-danger-soft px-3.5 py-3 text-sm text-danger">
            <CircleAlert className="mt-px size-4.5 shrink-0" aria-hidden="true" />
            {problem}
          </p>
        )}
      </div>
      <Button
        type="submit"
        variant="primary"
        disabled={state !== "ready"}
        className="mt-5 h-11 w-full text-base"
      >
        {state === "busy" && <LoaderCircle className="size-4.5 animate-spin" aria-hidden="true" />}
        {state === "busy" ? text.busy : text.submit}
      </Button>
      <p className="mt-6 text-center text-sm text-muted">
        {text.question}{" "}
        <Link
          href={text.href}
          className="font-semibold text-accent underline-offset-4 hover:underline"
        >
          {text.link}
        </Link>
      </p>
    </form>
  );
}
