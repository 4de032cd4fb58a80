"""Creates the application from its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.agent.background import open_in_background
from app.api import errors
from app.api.middleware import RequestContext
from app.api.routes import chat, conversations, health, tasks
from app.chat import Chat
from app.core.config import Settings, load_settings
from app.core.db import Database
from app.core.logging import configure
from app.core.readiness import Readiness
from app.limits import Limits


def _operation_id(route: APIRoute) -> str:
    return route.name


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application. Settings are read when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        config = settings or load_settings()
        configure(config.log_level, config.secrets())
        database = Database(config)
        limits = Limits(config)
        try:
            async with open_in_background(config, database.sessions) as assistant:
                app.state.settings = config
                app.state.database = database
                app.state.limits = limits
                app.state.readiness = Readiness(database)
                app.state.chat = Chat(database, assistant, config, limits)
                yield
                await app.state.chat.finish()
        finally:
            await database.close()

    app = FastAPI(
        title="Todo Chatbot",
        version="0.3.0",
        summary="Tasks of a user, and an assistant that manages them.",
        lifespan=lifespan,
        # Off, because the interactive pages load scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=_operation_id,
    )
    errors.install(app)
    app.add_middleware(RequestContext)
    for module in (health, tasks, chat, conversations):
        app.include_router(module.router)
    return app
