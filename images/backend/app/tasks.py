"""Operations on tasks, for the REST API and the MCP tools.

Every function takes the id of the owner and reads and writes rows of this owner only. Limits apply
to every change: add checks them for a new task, and get_for_change for all other changes.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, DateTime, String, func, insert, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.limits import FULL, Limits, QuotaError
from app.models import Task, now
from app.schemas import SortOrder, TaskSort, TaskStatus

DESCRIPTIONS = 100_000  # characters of all descriptions in one list for a model


def _owned(query: Any, user_id: str, status: TaskStatus) -> Any:
    query = query.where(col(Task.user_id) == user_id)
    if status != "all":
        query = query.where(col(Task.completed).is_(status == "completed"))
    return query


async def find(
    session: AsyncSession,
    user_id: str,
    status: TaskStatus = "all",
    *,
    sort: TaskSort = "id",
    order: SortOrder = "asc",
    limit: int = 100,
    offset: int = 0,
) -> list[Task]:
    """Return a page of the tasks. Equal values are ordered by id, so that pages do not overlap."""
    key = func.lower(col(Task.title)) if sort == "title" else getattr(Task, sort)
    keys = [key, col(Task.id)]
    ordered = [k.desc() if order == "desc" else k.asc() for k in keys]
    query = _owned(select(Task), user_id, status).order_by(*ordered).limit(limit).offset(offset)
    return list((await session.exec(query)).all())


@dataclass(frozen=True, slots=True)
class Outline:
    """The fields of a task that a model needs."""

    id: int
    title: str
    description: str | None
    completed: bool


async def outlines(
    session: AsyncSession, user_id: str, status: TaskStatus, limit: int
) -> list[Outline]:
    """Return tasks, the oldest first. Many long descriptions are shortened."""
    columns = select(
        col(Task.id), col(Task.title), col(Task.description), col(Task.completed)
    ).order_by(col(Task.id))
    rows = (await session.exec(_owned(columns, user_id, status).limit(limit))).all()
    room = DESCRIPTIONS
    if sum(len(description or "") for _, _, description, _ in rows) > room:
        room //= len(rows)
    return [
        Outline(number, title, _cut(description, room), completed)
        for number, title, description, completed in rows
    ]


def _cut(text: str | None, room: int) -> str | None:
    return text if text is None or len(text) <= room else text[:room] + "…"


async def count(session: AsyncSession, user_id: str, status: TaskStatus = "all") -> int:
    """Return the number of tasks with this status."""
    query = _owned(select(func.count()).select_from(Task), user_id, status)
    return int((await session.exec(query)).one())


async def get(session: AsyncSession, user_id: str, task_id: int) -> Task | None:
    """Return the task, or None when this user has no task with that id."""
    query = select(Task).where(col(Task.id) == task_id, col(Task.user_id) == user_id)
    return (await session.exec(query)).first()


async def get_for_change(
    session: AsyncSession, limits: Limits, user_id: str, task_id: int
) -> Task | None:
    """Return the task and lock it until the transaction ends, so that changes do not mix.

    A committed transaction counts as a change; raises RateError.
    """
    await limits.take(session, user_id, "task")
    query = select(Task).where(col(Task.id) == task_id, col(Task.user_id) == user_id)
    return (await session.exec(query.with_for_update())).first()


async def add(
    session: AsyncSession,
    limits: Limits,
    user_id: str,
    title: str,
    description: str | None = None,
    *,
    completed: bool = False,
) -> Task:
    """Store a new task; raises RateError and QuotaError."""
    await limits.take(session, user_id, "task")
    there = select(func.count()).select_from(Task).where(col(Task.user_id) == user_id)
    at = literal(now(), DateTime(timezone=True))
    values: Any = select(  # type: ignore[call-overload]
        literal(user_id, String),
        literal(title, String),
        literal(description, String),
        literal(completed, Boolean),
        at,
        at,
    ).where(there.scalar_subquery() < limits.tasks)
    names = ["user_id", "title", "description", "completed", "created_at", "updated_at"]
    stored = insert(Task).from_select(names, values).returning(Task)
    task: Task | None = (await session.exec(stored)).scalars().first()
    if task is None:
        raise QuotaError(f"{FULL}: it can hold {limits.tasks} todos. Please delete some first.")
    await session.commit()
    return task


async def change(session: AsyncSession, task: Task, values: dict[str, Any]) -> Task:
    """Set fields of the task and the time of the change."""
    for name, value in values.items():
        setattr(task, name, value)
    task.updated_at = now()
    session.add(task)
    await session.commit()
    return task


async def remove(session: AsyncSession, task: Task) -> None:
    """Delete the task."""
    await session.delete(task)
    await session.commit()
