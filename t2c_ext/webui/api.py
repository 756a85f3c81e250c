"""Routes of our own beside the WebUI's API: `/t2c/v1/...`."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Optional, Union

from fastapi import Body, Depends, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.requests import Request
from starlette.responses import Response
from starlette.status import HTTP_400_BAD_REQUEST

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.service import TYPES, Busy, Made, NotFound, Service, schema
from t2c_ext.webui.options import SENDS, STILLS, VIDEOS
from t2c_ext.wording import REQUEST, say

ROOT = "/t2c/v1"

Route = Callable[[Callable[..., Any]], None]
"""Adds an endpoint."""


def add_routes(app: FastAPI, service: Service, credentials: str | None = None) -> None:
    """Add the routes.

    Args:
        app: the host's application.
        service: does the work.
        credentials: "user:password,user:password", as the host's --api-auth; None: open, as the host's API then is.
    """
    dependencies = [] if not credentials else [Depends(authorise(credentials))]

    def route(method: str, path: str) -> Route:
        def add(endpoint: Callable[..., Any]) -> None:
            app.router.add_api_route(
                ROOT + path, endpoint, methods=[method], dependencies=dependencies, route_class_override=OurRoute
            )

        return add

    _add_work(route, service)
    _add_lists(route)
    _add_files(route, service)


def _add_work(route: Callable[[str, str], Route], service: Service) -> None:
    """What makes a loop, and what is asked of it meanwhile."""

    def answered(work: Callable[[], Made], send: str) -> Any:
        try:
            check_send(send)
            return answer(service, work(), send)
        except (UserError, Cancelled) as error:
            return refusal(error)
        except UnicodeEncodeError:
            return refusal(UserError("a text holds half a character (a lone surrogate), which no file can keep"))

    # Optional and Union: pydantic 1 reads these annotations at run time, on Python 3.10 too
    @route("POST", "/animate")
    def animate(  # noqa: PLR0917
        image: str = Body(...),
        mask: Optional[Union[str, dict[str, str]]] = Body(None),  # noqa: UP007, UP045
        natural: Optional[str] = Body(None),  # noqa: UP045
        settings: dict[str, Any] = Body({}),
        send: str = Body("files"),
        depth: Optional[str] = Body(None),  # noqa: UP045
    ) -> Any:
        return answered(lambda: service.animate(image, mask, natural, settings, depth), send)

    @route("POST", "/run")
    def run(
        id: str = Body(...),
        start: Optional[str] = Body(None, alias="from"),  # noqa: UP045
        settings: dict[str, Any] = Body({}),
        send: str = Body("files"),
    ) -> Any:
        return answered(lambda: service.run(id, start, settings), send)

    @route("GET", "/progress")
    def progress() -> Any:
        return service.progress()

    @route("POST", "/cancel")
    def cancel() -> Any:
        service.cancel()
        return {}


def _add_lists(route: Callable[[str, str], Route]) -> None:
    """What can be asked for."""

    @route("GET", "/settings")
    def settings_schema() -> Any:
        return {"settings": schema()}

    @route("GET", "/models")
    def models() -> Any:
        from t2c_ext.weights.listing import list_models

        return {
            "models": [
                {"name": row.model.name, "purpose": row.model.purpose, "here": row.here} for row in list_models()
            ]
        }


def _add_files(route: Callable[[str, str], Route], service: Service) -> None:
    """What was made."""

    @route("GET", "/files/{id}/{name}")
    def file(id: str, name: str) -> Any:
        try:
            path = service.file(id, name)
        except UserError as error:
            return refusal(error)
        return FileResponse(path, media_type=TYPES[path.suffix])

    @route("DELETE", "/files/{id}")
    def delete(id: str) -> Any:
        try:
            service.delete(id)
        except UserError as error:
            return refusal(error)
        return {}


class OurRoute(APIRoute):
    """A route whose requests are refused in our own shape where they cannot be read; the host's keep theirs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return refusal(UserError(what_is_wrong(error)))
            except HTTPException as error:
                if error.status_code != HTTP_400_BAD_REQUEST:
                    raise
                return refusal(UserError("the request cannot be read; it must be JSON"))

        return answered


def what_is_wrong(error: RequestValidationError) -> str:
    """The first thing that is wrong with a request, as one line."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part != "body"]
    if "json" in first["type"]:
        return "the request is not JSON"
    if "missing" in first["type"]:
        return f"{where[0] if where else 'the request'} is missing"
    return f"{where[0] if where else 'the request'} is of the wrong kind: {first['msg']}"


def refusal(error: UserError | Cancelled) -> JSONResponse:
    """What a request gets that was not done: `error` is one of four words, `detail` a sentence."""
    if isinstance(error, Cancelled):
        return JSONResponse({"error": "cancelled", "detail": "stopped by the user"}, status_code=409)
    word, status = "refused", 422
    if isinstance(error, NotFound):
        word, status = "not found", 404
    elif isinstance(error, Busy):
        word, status = "busy", 409
    said = say(error, REQUEST) if isinstance(error, UserError) else str(error)
    detail = said.encode(errors="backslashreplace").decode()
    return JSONResponse({"error": word, "detail": detail}, status_code=status)


def check_send(send: str) -> None:
    """UserError where an answer is asked for in a way that there is not."""
    if send not in SENDS:
        raise UserError(f"send is {send!r}, but must be one of: {', '.join(SENDS)}")


def answer(service: Service, made: Made, send: str) -> dict[str, Any]:
    """What a request gets: addresses of the files, or the files themselves.

    Args:
        service: holds the files.
        made: the finished request.
        send: "files" for addresses; "video", "still" or "both" for base64.
    """
    result: dict[str, Any] = {
        "id": made.id,
        "frames": made.frames,
        "notes": list(made.notes),
        "seconds": made.seconds,
        "loop": f"{ROOT}/files/{made.id}/{made.loop}",
        "poster": f"{ROOT}/files/{made.id}/{made.poster}" if made.poster else None,
    }
    if send in VIDEOS:
        result["video"] = _encoded(service.file(made.id, made.loop))
    if send in STILLS and made.poster:
        result["still"] = _encoded(service.file(made.id, made.poster))
    return result


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def authorise(credentials: str) -> Callable[..., None]:
    """A dependency that asks for one of the pairs "user:password,user:password"."""
    pairs = dict(pair.strip().split(":", 1) for pair in credentials.split(",") if ":" in pair)

    def check(given: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:
        expected = pairs.get(given.username, "")
        if not expected or not secrets.compare_digest(given.password.encode(), expected.encode()):
            raise HTTPException(401, "wrong user name or password", {"WWW-Authenticate": "Basic"})

    return check
