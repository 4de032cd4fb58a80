import { redirect } from "next/navigation";
import { Providers } from "@/components/providers";
import { Workspace } from "@/components/workspace";
import { currentUser } from "@/lib/server/session";

export default async function HomePage() {
  const user = await currentUser();
  if (user === undefined) redirect("/sign-in");
  return (
    <Providers>
      <Workspace user={user} />
    </Providers>
  );
}
