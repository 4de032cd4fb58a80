"""What can be done with tasks; the REST API and the MCP tools share it.

Every function takes the owner's id and touches that owner's rows only.
"""

from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models import Task, now
from app.schemas import SortOrder, TaskSort, TaskStatus


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
    """Return a page of the tasks; ties are broken by id, so pages never overlap."""
    key = func.lower(col(Task.title)) if sort == "title" else getattr(Task, sort)
    keys = [key, col(Task.id)]
    ordered = [k.desc() if order == "desc" else k.asc() for k in keys]
    query = _owned(select(Task), user_id, status).order_by(*ordered).limit(limit).offset(offset)
    return list((await session.exec(query)).all())


async def count(session: AsyncSession, user_id: str, status: TaskStatus = "all") -> int:
    """Return how many there are."""
    query = _owned(select(func.count()).select_from(Task), user_id, status)
    return int((await session.exec(query)).one())


async def get(session: AsyncSession, user_id: str, task_id: int) -> Task | None:
    """Return the task, None when this user has none of that id."""
    query = select(Task).where(col(Task.id) == task_id, col(Task.user_id) == user_id)
    return (await session.exec(query)).first()


async def get_for_change(session: AsyncSession, user_id: str, task_id: int) -> Task | None:
    """Return the task locked until the transaction ends, so that changes do not cross."""
    query = select(Task).where(col(Task.id) == task_id, col(Task.user_id) == user_id)
    return (await session.exec(query.with_for_update())).first()


async def add(
    session: AsyncSession,
    user_id: str,
    title: str,
    description: str | None = None,
    *,
    completed: bool = False,
) -> Task:
    """Store a new task."""
    task = Task(user_id=user_id, title=title, description=description, completed=completed)
    session.add(task)
    await session.commit()
    return task


async def change(session: AsyncSession, task: Task, values: dict[str, Any]) -> Task:
    """Set the given fields and the time of the change."""
    for name, value in values.items():
        setattr(task, name, value)
    task.updated_at = now()
    session.add(task)
    await session.commit()
    return task


async def remove(session: AsyncSession, task: Task) -> None:
    """Delete it for good."""
    await session.delete(task)
    await session.commit()
