"""The suite of a source under pytest, and its result as a mapping."""

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.sdk.source import Kind
from connectors.sdk.source import kind as installed
from connectors.sdk.testing.points import POINTS, Kit
from connectors.sdk.testing.subject import SOCKETS, BrokenPromiseError, DoesNotApplyError
from connectors.sdk.testing.world import World


def conformance_suite(kind: str | Kind[Any], world: Callable[[], World], *, docs: Path | None = None) -> type:
    """A class of tests for pytest, one for each promise; assign it to a name that begins with `Test`.

    `kind`: of an installed package by its name, or the Kind itself; `world`: makes its outside, new for each test;
    `docs`: a file that must hold the generated description of the kind.
    """

    def test(name: str) -> Callable[[Any], None]:
        def run(self: Any) -> None:
            del self
            import pytest

            try:
                keep(name, kind, world, docs=docs)
            except DoesNotApplyError as reason:
                raise pytest.skip.Exception(str(reason)) from None
            except BrokenPromiseError as error:
                raise pytest.fail.Exception(str(error), pytrace=False) from error.__cause__

        run.__name__ = f"test_{name}"
        run.__doc__ = POINTS[name].__doc__
        return run

    methods = {f"test_{name}": test(name) for name in POINTS}
    return type("Conformance", (), {"__doc__": f"The promises of {_name(kind)}.", **methods})


def keep(name: str, kind: str | Kind[Any], world: Callable[[], World], *, docs: Path | None = None) -> None:
    """Checks one promise.

    Raises:
        BrokenPromiseError: it is not kept; the message says what was promised, what happened and what to do.
        DoesNotApplyError: the world says that it does not apply.
    """
    check = POINTS[name]
    skips = getattr(world, "skips", {})
    if reason := skips.get(name):
        raise DoesNotApplyError(reason)
    try:
        if unknown := skips.keys() - POINTS:
            raise BrokenPromiseError(f"the world skips what is no point: {', '.join(sorted(unknown))}")
        found = installed(kind) if isinstance(kind, str) else kind
        with SOCKETS.refused(loopback=True):
            asyncio.run(check(Kit(found, world, docs)))
    except (BrokenPromiseError, NotImplementedError) as error:
        promise, _, advice = (" ".join(part.split()) for part in (inspect.getdoc(check) or "").partition("\n\n"))
        raise BrokenPromiseError(
            f"{_name(kind)} breaks the promise `{name}`.\nPromised: {promise}\nFound: {error}\nTo do: {advice}"
        ) from error.__cause__


def broken_promises(kind: str | Kind[Any], world: Callable[[], World], *, docs: Path | None = None) -> dict[str, str]:
    """Every promise that is not kept, with what was found."""
    found = {}
    for name in POINTS:
        try:
            keep(name, kind, world, docs=docs)
        except DoesNotApplyError:
            continue
        except BrokenPromiseError as error:
            found[name] = str(error)
    return found


def _name(kind: str | Kind[Any]) -> str:
    return kind if isinstance(kind, str) else kind.name
