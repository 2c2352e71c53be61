"""Settings: environment first, then ``config.toml``; one sentence per field.

Where nothing is set the defaults are taken as they are: loading pydantic would be a third of a start.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

PREFIX = "MAESTRO_"


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


def load_settings(config: Path) -> Settings:
    """The settings for a configuration folder; a file that is not there is no error.

    Raises:
        ValueError: a value is wrong; the message names the file and the field.
    """
    file = config / "config.toml"
    names = {f"{PREFIX}{name}".upper() for name in Settings.__struct_fields__}
    if not file.exists() and names.isdisjoint(name.upper() for name in os.environ):
        return Settings()
    return _configured(file)


def _configured(file: Path) -> Settings:
    from pydantic import Field, ValidationError, create_model
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

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
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    hints = get_type_hints(Settings, include_extras=True)
    fields = {}
    for field in msgspec.structs.fields(Settings):
        limits = next((each for each in get_args(hints[field.name]) if isinstance(each, Meta)), Meta())
        fields[field.name] = (hints[field.name], Field(default=field.default, ge=limits.ge, le=limits.le))
    try:
        found = create_model("Settings", __base__=FromFile, **fields)()  # type: ignore[call-overload]
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError(f"{file} or the environment: {wrong}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from error
    return Settings(**found.model_dump())
