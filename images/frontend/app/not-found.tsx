import Link from "next/link";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center p-6 text-center">
      <div>
        <h1 className="text-xl font-semibold">This page does not exist</h1>
        <p className="mt-4">
          <Link href="/" className="font-semibold text-accent hover:underline">
            Go to your todos
          </Link>
        </p>
      </div>
    </main>
  );
}
