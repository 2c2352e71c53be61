"""A rule: a command and the function that decides it."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from maestrod.domain.changes import Change, Command, Context
from maestrod.domain.state import State

C = TypeVar("C", bound=Command)
Decide = Callable[[State, Command, Context], list[Change]]


class Rule(msgspec.Struct, frozen=True):
    """A command and the function that decides it."""

    command: type[Command]
    decide: Decide


def rule(command: type[C], decide: Callable[[State, C, Context], list[Change]]) -> tuple[str, Rule]:
    """A row of a table of rules, by the command's kind."""

    def checked(state: State, asked: Command, ctx: Context) -> list[Change]:
        if not isinstance(asked, command):
            raise TypeError(f"{type(asked).__name__} is no {command.__name__}")
        return decide(state, asked, ctx)

    return command.__name__, Rule(command=command, decide=checked)
