import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, expectData, type Task, type TaskCreate, type TaskUpdate } from "@/lib/api/client";
import { ApiError, asApiError } from "@/lib/api/errors";
import { changed, including, restored, without } from "./list";

export const tasksKey = ["tasks"] as const;

/** The page size that the backend allows, and the maximum number of pages to load. */
const pageSize = 200;
const maxPages = 10;

async function loadTasks(userId: string, signal: AbortSignal): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let page = 0; page < maxPages; page++) {
    const found = expectData(
      await api.GET("/api/{user_id}/tasks", {
        params: {
          path: { user_id: userId },
          query: { sort: "id", order: "desc", limit: pageSize, offset: page * pageSize },
        },
        signal,
      }),
    );
    tasks.push(...found);
    if (found.length < pageSize) break;
  }
  return tasks;
}

/** useTasks loads all tasks; filters need no request. While the backend is away, the loaded
 * tasks stay, and useTasks tries again. */
export function useTasks(userId: string) {
  return useQuery({
    queryKey: tasksKey,
    queryFn: ({ signal }) => loadTasks(userId, signal),
    refetchInterval: (query) => (query.state.status === "error" ? 3_000 : 60_000),
  });
}

/** Changes the list that is shown, when there is one. */
function edit(client: QueryClient, change: (tasks: Task[]) => Task[]): void {
  client.setQueryData<Task[]>(tasksKey, (tasks) => tasks && change(tasks));
}

/** Loads the list again after the last of several changes. An earlier answer would undo,
 * for a moment, a change that is shown but not answered yet. */
function reload(client: QueryClient): void {
  if (client.isMutating({ mutationKey: tasksKey }) > 1) return;
  void client.invalidateQueries({ queryKey: tasksKey });
}

interface TaskActionOptions {
  userId: string;
  onProblem: (message: string) => void;
}

interface Change {
  task: Task;
  change: TaskUpdate;
}

/** useTaskActions returns the changes that people make by hand. A change is shown at once,
 * and taken back when the backend refuses it. Changes reach the backend in order. */
export function useTaskActions({ userId, onProblem }: TaskActionOptions) {
  const client = useQueryClient();
  const path = (task: Task) => ({ user_id: userId, task_id: task.id });
  const report = (error: Error) => onProblem(asApiError(error).message);
  const shared = {
    mutationKey: tasksKey,
    scope: { id: tasksKey[0] },
    onSettled: () => reload(client),
  };
  // An answer that is on its way does not know the change.
  const cancelReload = () => client.cancelQueries({ queryKey: tasksKey });

  const add = useMutation({
    ...shared,
    mutationFn: async (body: TaskCreate) =>
      expectData(
        await api.POST("/api/{user_id}/tasks", { params: { path: { user_id: userId } }, body }),
      ),
    onSuccess: (task) =>
      client.setQueryData<Task[]>(tasksKey, (tasks) => including(tasks ?? [], task)),
    onError: report,
  });

  const update = useMutation({
    ...shared,
    mutationFn: async ({ task, change }: Change) =>
      expectData(
        await api.PUT("/api/{user_id}/tasks/{task_id}", {
          params: { path: path(task) },
          body: change,
        }),
      ),
    onMutate: async ({ task, change }: Change) => {
      await cancelReload();
      edit(client, (tasks) => changed(tasks, task.id, change));
    },
    onError: (error, { task, change }) => {
      edit(client, (tasks) => restored(tasks, task, change));
      report(error);
    },
  });

  const remove = useMutation({
    ...shared,
    mutationFn: async (task: Task) => {
      const result = await api.DELETE("/api/{user_id}/tasks/{task_id}", {
        params: { path: path(task) },
      });
      // The todo is already deleted, for example by the assistant.
      if (result.response.status !== 404) expectData(result);
    },
    onMutate: async (task: Task) => {
      await cancelReload();
      edit(client, (tasks) => without(tasks, task.id));
    },
    onError: (error, task) => {
      edit(client, (tasks) => including(tasks, task));
      report(error);
    },
  });

  return { add, update, remove };
}

/** isAway tells whether the service can come back without a new request of the user. */
export function isAway(error: Error | null): boolean {
  return error !== null && (!(error instanceof ApiError) || error.kind !== "refused");
}
