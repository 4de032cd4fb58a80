"""The MCP server with the five task tools. All state is in the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from app import tasks
from app.core.db import Sessions
from app.limits import LimitError, Limits
from app.models import USER_ID_MAX, Task
from app.schemas import Description, Id, TaskStatus, Title

UserId = Annotated[
    str,
    Field(
        min_length=1, max_length=USER_ID_MAX, description="Owner of the tasks; set by the server."
    ),
]
TaskId = Annotated[Id, Field(description="Id of the task, from list_tasks.")]


class TaskItem(BaseModel):
    """A task for the model."""

    id: int
    title: str
    description: str | None
    completed: bool


class Outcome(BaseModel):
    """The result of a change."""

    task_id: int
    status: str
    title: str


def _outcome(task: Task, status: str) -> Outcome:
    return Outcome(task_id=task.id or 0, status=status, title=task.title)


class TaskTools:
    """The tools. Each call opens its own database session."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        """Open a session. A LimitError becomes a ToolError that the model can pass on."""
        try:
            async with self._sessions() as session:
                yield session
        except LimitError as error:
            raise ToolError(str(error)) from None

    async def _owned(self, session: AsyncSession, user_id: str, task_id: int) -> Task:
        task = await tasks.get_for_change(session, self._limits, user_id, task_id)
        if task is None:
            raise ToolError(f"task {task_id} does not exist")
        return task

    async def add_task(
        self, user_id: UserId, title: Title, description: Description | None = None
    ) -> Outcome:
        """Add a task. The title is short and starts with a capital letter."""
        async with self._session() as session:
            task = await tasks.add(session, self._limits, user_id, title, description)
            return _outcome(task, "created")

    async def list_tasks(self, user_id: UserId, status: TaskStatus = "all") -> list[TaskItem]:
        """List the user's tasks, the oldest first. Call it before acting on a task by its title."""
        async with self._session() as session:
            found = await tasks.outlines(session, user_id, status, self._limits.tasks)
        return [
            TaskItem(
                id=task.id,
                title=task.title,
                description=task.description,
                completed=task.completed,
            )
            for task in found
        ]

    async def complete_task(self, user_id: UserId, task_id: TaskId) -> Outcome:
        """Mark one task as completed."""
        async with self._session() as session:
            task = await self._owned(session, user_id, task_id)
            if not task.completed:
                await tasks.change(session, task, {"completed": True})
            return _outcome(task, "completed")

    async def delete_task(self, user_id: UserId, task_id: TaskId) -> Outcome:
        """Delete one task. This cannot be undone."""
        async with self._session() as session:
            task = await self._owned(session, user_id, task_id)
            outcome = _outcome(task, "deleted")
            await tasks.remove(session, task)
            return outcome

    async def update_task(
        self,
        user_id: UserId,
        task_id: TaskId,
        title: Title | None = None,
        description: Description | None = None,
    ) -> Outcome:
        """Change the title or the description of a task. A value that is not given is kept."""
        values = {"title": title, "description": description}
        given = {name: value for name, value in values.items() if value is not None}
        if not given:
            raise ToolError("give a title or a description")
        async with self._session() as session:
            task = await self._owned(session, user_id, task_id)
            return _outcome(await tasks.change(session, task, given), "updated")


def build_server(sessions: Sessions, limits: Limits) -> MCPServer[Any]:
    """Return the server with its tools."""
    server: MCPServer[Any] = MCPServer("todo", log_level="WARNING")
    tools = TaskTools(sessions, limits)
    for tool in (
        tools.add_task,
        tools.list_tasks,
        tools.complete_task,
        tools.delete_task,
        tools.update_task,
    ):
        server.add_tool(tool)
    return server
