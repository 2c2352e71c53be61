"""One reading of the command line, ready to be carried out."""

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

    from maestro_cli.context import Context
    from maestro_cli.output import Output
    from maestro_cli.verbs import Row
    from maestrod.client.blocking import Client

    Value = str | int | float | bool | list[str] | None


class Call:
    """What was asked, by whom, and the doors to answer it: the argument of every handler.

    ``values`` holds what was given (and defaults), by the parameter's name in snake_case: ``--no-launch``
    is ``no_launch``, ``TASK`` is ``task``. A parameter that was not given is absent.
    Handlers return an exit code, or raise ``failures.Failure`` or one of the client's errors.
    """

    __slots__ = ("context", "output", "row", "values")

    def __init__(self, row: "Row", values: "Mapping[str, Value]", context: "Context", output: "Output") -> None:
        self.row = row
        self.values: dict[str, Value] = dict(values)
        self.context = context
        self.output = output

    @property
    def words(self) -> str:
        """The verb, as in ``session spawn``."""
        return self.row[0]

    @property
    def client(self) -> "Client":
        """The door to the daemon, which is started when it does not run and may be started."""
        return self.context.client

    def text(self, name: str) -> str:
        """A text; empty when it was not given."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """All that was given to a repeatable parameter."""
        value = self.values.get(name)
        return list(value) if isinstance(value, list) else []

    def flag(self, name: str) -> bool:
        """Whether a flag was given."""
        return self.values.get(name) is True

    def number(self, name: str, default: float = 0) -> float:
        """A number, or a duration in seconds."""
        value = self.values.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else default

    def fields(self) -> "dict[str, object]":
        """What the table says is to be sent, by its names on the wire; without the project."""
        from maestro_cli.request import fields

        return fields(self.row, self.values)

    def where(self) -> "tuple[dict[str, object], dict[str, str]]":
        """The project for a body or a query, else the header by which the daemon finds it from the directory."""
        if self.context.project:
            return {"projectId": self.context.project}, {}
        return {}, self.context.where()
