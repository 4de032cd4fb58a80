"""Tasks: the todos of a user."""

from typing import Annotated, NoReturn

from fastapi import APIRouter, HTTPException, Query, Response

from app import tasks
from app.api.deps import ItemId, LimitsDep, Owner, Session
from app.api.errors import responses
from app.models import Task
from app.schemas import SortOrder, TaskCreate, TaskRead, TaskSort, TaskStatus, TaskUpdate

router = APIRouter(
    prefix="/api/{user_id}/tasks", tags=["tasks"], responses=responses(400, 401, 403, 414, 431)
)


def _missing() -> NoReturn:
    raise HTTPException(404, "There is no such todo.")


async def _locked(session: Session, limits: LimitsDep, user_id: str, task_id: int) -> Task:
    return await tasks.get_for_change(session, limits, user_id, task_id) or _missing()


@router.get(
    "",
    responses={
        200: {
            "headers": {
                "X-Total-Count": {
                    "description": "Number of tasks with this status, on all pages.",
                    "schema": {"type": "integer"},
                }
            }
        },
        **responses(422, 503),
    },
)
async def list_tasks(
    user_id: Owner,
    session: Session,
    response: Response,
    status: Annotated[TaskStatus, Query(description="Return tasks with this status only.")] = "all",
    sort: Annotated[TaskSort, Query(description="Field that determines the order.")] = "created_at",
    order: Annotated[SortOrder, Query(description="Direction of the order.")] = "asc",
    limit: Annotated[int, Query(ge=1, le=200, description="Maximum number of tasks.")] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="Number of tasks to skip.")] = 0,
) -> list[TaskRead]:
    """Return a page of the user's tasks. Tasks with equal values are ordered by id."""
    found = await tasks.find(
        session, user_id, status, sort=sort, order=order, limit=limit, offset=offset
    )
    whole = offset == 0 and len(found) < limit
    total = len(found) if whole else await tasks.count(session, user_id, status)
    response.headers["X-Total-Count"] = str(total)
    return [TaskRead.model_validate(task) for task in found]


@router.post("", status_code=201, responses=responses(408, 409, 413, 422, 429, 503))
async def create_task(
    user_id: Owner, session: Session, limits: LimitsDep, body: TaskCreate
) -> TaskRead:
    """Add a task."""
    task = await tasks.add(
        session, limits, user_id, body.title, body.description, completed=body.completed
    )
    return TaskRead.model_validate(task)


@router.get("/{task_id}", responses=responses(404, 422, 503))
async def get_task(user_id: Owner, session: Session, task_id: ItemId) -> TaskRead:
    """Return a task."""
    return TaskRead.model_validate(await tasks.get(session, user_id, task_id) or _missing())


@router.put("/{task_id}", responses=responses(404, 408, 413, 422, 429, 503))
async def update_task(
    user_id: Owner, session: Session, limits: LimitsDep, task_id: ItemId, body: TaskUpdate
) -> TaskRead:
    """Change the title, the description or the completion of a task.

    Fields that are not given keep their values. `null` removes the description.
    """
    if not body.model_fields_set:
        raise HTTPException(422, "Give at least one of title, description and completed.")
    given = body.model_dump(exclude_unset=True)
    # null removes a description; for the other fields it means "not given".
    values = {k: v for k, v in given.items() if v is not None or k == "description"}
    task = await _locked(session, limits, user_id, task_id)
    return TaskRead.model_validate(await tasks.change(session, task, values))


@router.delete("/{task_id}", status_code=204, responses=responses(404, 422, 429, 503))
async def delete_task(user_id: Owner, session: Session, limits: LimitsDep, task_id: ItemId) -> None:
    """Delete a task. This cannot be undone."""
    await tasks.remove(session, await _locked(session, limits, user_id, task_id))


@router.patch("/{task_id}/complete", responses=responses(404, 422, 429, 503))
async def toggle_task(
    user_id: Owner, session: Session, limits: LimitsDep, task_id: ItemId
) -> TaskRead:
    """Mark a pending task as completed, or a completed task as pending."""
    task = await _locked(session, limits, user_id, task_id)
    changed = await tasks.change(session, task, {"completed": not task.completed})
    return TaskRead.model_validate(changed)
