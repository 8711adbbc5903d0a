"""Parsing of what came from outside, away from the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


async def isolated(function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    """What `function`, which must be found by its name in its module, makes of its arguments.

    Raises:
        BadDataError: as the function itself does.
    """
    return await asyncio.to_thread(function, *args, **kwargs)
