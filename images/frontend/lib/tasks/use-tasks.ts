import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, expectData, type Task, type TaskCreate, type TaskUpdate } from "@/lib/api/client";
import { ApiError, asApiError } from "@/lib/api/errors";

export const tasksKey = ["tasks"] as const;

/** The largest page of the backend, and how many pages are loaded at most. */
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

/** useTasks loads the tasks; filters work on what is loaded, without a request.
 * While the backend is away, it keeps what it has and asks again. */
export function useTasks(userId: string) {
  return useQuery({
    queryKey: tasksKey,
    queryFn: ({ signal }) => loadTasks(userId, signal),
    refetchInterval: (query) => (query.state.status === "error" ? 3_000 : 60_000),
  });
}

/** Shows a change at once, and takes it back when the backend refuses it. */
function optimistic<V>(client: QueryClient, change: (tasks: Task[], variables: V) => Task[]) {
  return {
    onMutate: async (variables: V) => {
      await client.cancelQueries({ queryKey: tasksKey });
      const before = client.getQueryData<Task[]>(tasksKey);
      if (before) client.setQueryData(tasksKey, change(before, variables));
      return { before };
    },
    onError: (_error: Error, _variables: V, context: { before?: Task[] } | undefined) => {
      if (context?.before) client.setQueryData(tasksKey, context.before);
    },
    onSettled: () => client.invalidateQueries({ queryKey: tasksKey }),
  };
}

interface TaskActionOptions {
  userId: string;
  onProblem: (message: string) => void;
}

/** useTaskActions returns what can be done with tasks by hand. */
export function useTaskActions({ userId, onProblem }: TaskActionOptions) {
  const client = useQueryClient();
  const path = (task: Task) => ({ user_id: userId, task_id: task.id });
  const report = (error: Error) => onProblem(asApiError(error).message);

  const add = useMutation({
    mutationFn: async (body: TaskCreate) =>
      expectData(
        await api.POST("/api/{user_id}/tasks", { params: { path: { user_id: userId } }, body }),
      ),
    onSuccess: (task) => client.setQueryData<Task[]>(tasksKey, (tasks) => [task, ...(tasks ?? [])]),
    onError: report,
    onSettled: () => client.invalidateQueries({ queryKey: tasksKey }),
  });

  const updating = optimistic<{ task: Task; change: TaskUpdate }>(client, (tasks, variables) =>
    tasks.map((task) =>
      task.id === variables.task.id ? ({ ...task, ...variables.change } as Task) : task,
    ),
  );
  const update = useMutation({
    mutationFn: async ({ task, change }: { task: Task; change: TaskUpdate }) =>
      expectData(
        await api.PUT("/api/{user_id}/tasks/{task_id}", {
          params: { path: path(task) },
          body: change,
        }),
      ),
    ...updating,
    onError: (error, variables, context) => {
      updating.onError(error, variables, context);
      report(error);
    },
  });

  const removing = optimistic<Task>(client, (tasks, gone) =>
    tasks.filter((task) => task.id !== gone.id),
  );
  const remove = useMutation({
    mutationFn: async (task: Task) => {
      const result = await api.DELETE("/api/{user_id}/tasks/{task_id}", {
        params: { path: path(task) },
      });
      // Someone else, mostly the assistant, was faster.
      if (result.response.status !== 404) expectData(result);
    },
    ...removing,
    onError: (error, variables, context) => {
      removing.onError(error, variables, context);
      report(error);
    },
  });

  return { add, update, remove };
}

/** isAway says whether an error means that the service may come back by itself. */
export function isAway(error: Error | null): boolean {
  return error !== null && (!(error instanceof ApiError) || error.kind !== "refused");
}
