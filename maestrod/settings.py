"""Settings: environment first, then ``config.toml``; one sentence per field.

Where nothing is set the defaults are taken as they are: loading pydantic would be a third of a start.
"""

import ast
import inspect
import os
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

FILE = "config.toml"
"""In the home's config folder."""
PREFIX = "MAESTRO_"

Document = Mapping[str, object]
Value = str | int | float | bool


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon behaves. Every field is also read from ``MAESTRO_<NAME>``."""

    durability: Literal["always", "batch", "os"] = "always"
    """``always`` syncs before each answer; ``batch`` and ``os`` may lose the last moments on power loss."""

    log: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is written to the log."""

    log_format: Literal["json", "console"] = "json"
    """JSON lines for machines, or lines for people."""

    idle_end_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 10.0
    """How long a session must be idle with everything reported before it counts as completed."""

    start_limit_s: Annotated[float, Meta(ge=1.0, le=3600.0)] = 60.0
    """How long an agent may take to its first sign of life before a person is asked to look."""

    stop_grace_s: Annotated[float, Meta(ge=0.0, le=300.0)] = 5.0
    """How long an agent has to leave politely before it is terminated, and again before it is killed."""

    restart_pace: Annotated[float, Meta(ge=0.0, le=1000.0)] = 1.0
    """A factor for how long crashed sessions that are to be started again wait."""

    queue_rest_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 30.0
    """How long a session may be idle beside work in its queue before it is pointed to it, once."""

    stuck_s: Annotated[float, Meta(ge=1.0, le=86_400.0)] = 300.0
    """How long a session may be idle with a task of its queue in process before a person is asked to look."""

    check_limit_s: Annotated[float, Meta(ge=0.1, le=86_400.0)] = 600.0
    """How long one check of a task may run before it is killed and counts as not passed."""

    disk_stall_s: Annotated[float, Meta(ge=0.1, le=3600.0)] = 10.0
    """How long the disk may not answer before writes are refused and what is durable is shown."""

    quiet_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 120.0
    """How long idle sessions may stand beside work that could begin before it is reported."""

    lease_s: Annotated[float, Meta(ge=1.0)] = 900.0
    """How long an unreachable session keeps its work."""

    stream_clients: Annotated[int, Meta(ge=1)] = 2000
    """How many clients may listen to the event stream at once."""

    stream_ping_s: Annotated[float, Meta(ge=0.05, le=3600.0)] = 20.0
    """How often a client of the event stream is pinged; one that is silent for three times as long is closed."""

    arrival_s: Annotated[float, Meta(ge=0.1, le=3600.0)] = 30.0
    """How long a connection may take to its first request, and a request's body to arrive."""

    backups_most: Annotated[int, Meta(ge=0, le=10_000)] = 14
    """How many backups are kept; older ones go when a new one is made. 0 keeps all."""

    backups_days: Annotated[float, Meta(ge=0.0)] = 0.0
    """For how many days backups are kept; the newest always is. 0 keeps them for ever."""

    snapshot_every: Annotated[int, Meta(ge=10)] = 20_000
    """Commits between snapshots."""

    listen: str = ""
    """Where to listen beside the Unix socket, as ``HOST:PORT``; several are joined by commas."""

    tls_cert: str = ""
    """The file with the certificate (and its chain) for what listens on TCP."""

    tls_key: str = ""
    """The file with the certificate's private key."""

    behind_proxy: bool = False
    """A proxy in front takes care of TLS, so that TCP may be listened to beyond this machine without it."""

    allowed_hosts: str = ""
    """Names by which the daemon is reached over TCP, beside addresses and ``localhost``; joined by commas."""

    tcp_clients: Annotated[int, Meta(ge=1)] = 1_000
    """How many TCP connections may be open at once."""

    user_rate: Annotated[float, Meta(ge=0.001)] = 100_000.0
    """Requests a second over the user's socket; each of these rates lets four seconds' worth through at once."""

    session_rate: Annotated[float, Meta(ge=0.001)] = 50.0
    """Requests a second of one session, without its hooks."""

    hook_rate: Annotated[float, Meta(ge=0.001)] = 500.0
    """Hooks a second of one session."""

    key_rate: Annotated[float, Meta(ge=0.001)] = 200.0
    """Requests a second with one key."""


class Origin(StrEnum):
    """Where a setting's value comes from; what stands later here wins."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One setting for people: what it takes in words, and its sentence."""

    name: str
    takes: str
    default: Value
    sentence: str

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return f"{PREFIX}{self.name}".upper()


class Wrong(msgspec.Struct, frozen=True):
    """A value that does not fit; ``where`` is a line of the file or a variable."""

    name: str
    where: str
    why: str


class BadSettings(ValueError):
    """The settings cannot be used; ``wrong`` names each value that does not fit, if it got that far."""

    def __init__(self, message: str, wrong: tuple[Wrong, ...] = ()) -> None:
        super().__init__(message)
        self.wrong = wrong


def load_settings(config: Path) -> Settings:
    """The settings for a configuration folder; a file that is not there is no error.

    Raises:
        BadSettings: a value is wrong; the message names where it stands and the field.
        OSError: the file cannot be read.
    """
    file = config / FILE
    names = {f"{PREFIX}{name}".upper() for name in Settings.__struct_fields__}
    if not file.exists() and names.isdisjoint(name.upper() for name in os.environ):
        return Settings()
    return settings_of(read(file), file)


def read(file: Path) -> str:
    """The file's text; empty where there is none.

    Raises:
        BadSettings: it is not UTF-8.
        OSError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise BadSettings(f"{file} is not UTF-8: {error}") from error


def document_of(text: str, file: Path) -> Document:
    """What the file says.

    Raises:
        BadSettings: it is no TOML; the message has the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file}: {error}") from error


def settings_of(text: str, file: Path, *, environment: bool = True) -> Settings:
    """The settings by the text of a file, and by the environment where it is not left out.

    Raises:
        BadSettings: a value is wrong, or the text is no TOML.
    """
    from pydantic import Field, ValidationError, create_model
    from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

    document = dict(document_of(text, file))

    class FromFile(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            from_file = InitSettingsSource(settings_cls, init_kwargs=document)
            return (init_settings, env_settings, from_file) if environment else (init_settings, from_file)

    hints = get_type_hints(Settings, include_extras=True)
    fields = {}
    for field in msgspec.structs.fields(Settings):
        limits = _limits(hints[field.name])
        fields[field.name] = (hints[field.name], Field(default=field.default, ge=limits.ge, le=limits.le))
    try:
        found = create_model("Settings", __base__=FromFile, **fields)()  # type: ignore[call-overload]
    except ValidationError as error:
        told = [(".".join(map(str, each["loc"])), str(each["msg"])) for each in error.errors()]
        wrong = tuple(Wrong(name, _where(name, text, file, environment=environment), why) for name, why in told)
        raise BadSettings("; ".join(f"{each.where}: {each.name}: {each.why}" for each in wrong), wrong) from error
    return Settings(**found.model_dump())


def described() -> tuple[Described, ...]:
    """Every setting, in the order in which they stand here."""
    hints = get_type_hints(Settings, include_extras=True)
    said = _sentences()
    return tuple(
        Described(name=f.name, takes=_takes(hints[f.name]), default=f.default, sentence=said[f.name])
        for f in msgspec.structs.fields(Settings)
    )


def origin(name: str, document: Document) -> Origin:
    """Where the value of a setting comes from, by a file's document and the environment."""
    if f"{PREFIX}{name}".upper() in {variable.upper() for variable in os.environ}:
        return Origin.ENVIRONMENT
    return Origin.FILE if name in document else Origin.DEFAULT


def unknown(document: Document) -> list[str]:
    """The names in a file that are no settings; the daemon passes them over."""
    return [name for name in document if name not in Settings.__struct_fields__]


def line_of(name: str, text: str) -> int | None:
    """The line on which a name of a file's first level stands; none when it is written in a way that hides it."""
    key = re.escape(name)
    found = re.search(rf"""^[ \t]*\[{{0,2}}[ \t]*(?:"{key}"|'{key}'|{key})[ \t]*[.=\]]""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else None


def _where(name: str, text: str, file: Path, *, environment: bool) -> str:
    variable = f"{PREFIX}{name}".upper()
    if environment and variable in {each.upper() for each in os.environ}:
        return variable
    line = line_of(name, text)
    return f"{file}:{line}" if line else str(file)


def _limits(hint: object) -> Meta:
    return next((each for each in get_args(hint) if isinstance(each, Meta)), Meta())


def _takes(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " | ".join(get_args(hint))
    limits = _limits(hint)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    word = {str: "text", bool: "true | false", int: "whole number", float: "number"}[kind]
    if limits.ge is not None and limits.le is not None:
        return f"{word}, {limits.ge:,g} to {limits.le:,g}"
    return word if limits.ge is None else f"{word}, {limits.ge:,g} or more"


def _sentences() -> dict[str, str]:
    """The sentence beneath each field."""
    [tree] = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: str(below.value.value).replace("``", "`")
        for field, below in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }
