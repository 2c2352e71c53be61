"""Agent programs: what is here, what runs in a session's window, and the scripted one."""

import os

from maestro_cli.call import Call
from maestro_cli.failures import Failure, note


def list_agents(call: Call) -> int:
    """Every provider: whether it is installed, where, which version, and whether it is logged in; asked all at once."""
    from concurrent.futures import ThreadPoolExecutor
    from shutil import which

    from maestro_cli.logins import login
    from maestro_cli.own_providers import Providers
    from maestro_cli.texts import table
    from maestro_cli.versions import version
    from maestrod.locations import locate

    environ = call.context.environ
    path = environ.get("PATH") or os.defpath
    providers = Providers(locate(environ).config)
    found = {name: which(p.needs[0], path=path) for name, p in providers.all().items()}
    with ThreadPoolExecutor(max_workers=len(found)) as pool:
        versions = dict(zip(found, pool.map(version, found.values()), strict=True))
    data, rows = [], []
    for name, p in providers.all().items():
        where, state = found[name], login(name, environ)
        known = {"name": name, "title": p.title, "installed": where is not None, "path": where}
        data.append({**known, "version": versions[name], "login": state, "install": p.install})
        rows.append([name, versions[name] or "-", state, where or f"not installed: {p.install}"])
    head = ["agent", "version", "login", "where"]
    call.output.result(data, table(head, rows, call.output.width, colour=call.output.colour))
    for file, why in providers.troubles.items():
        note(f"{file}: {why}")
    return 0


def run(call: Call) -> int:
    """Supervise the session's agent in this pane; the exit code is the agent's."""
    from maestro_cli import supervisor

    try:
        return supervisor.run(call.text("session"), os.environ, supervisor.Patience())
    except supervisor.BadLaunch as error:
        raise Failure(str(error), code="AGENT_NOT_STARTED") from error


def mcp(call: Call) -> int:
    """Become the program of an MCP server; its variables come from the file, where no list of processes shows them."""
    from pathlib import Path

    from maestrod.providers.mcp import SIZE, BadServers, parse

    path, name = call.text("file"), call.text("name")
    try:
        with Path(path).open("rb") as file:
            servers = parse(path, file.read(SIZE + 1)).servers
        server = servers.get(name)
        if server is None or not server.command:
            raise Failure(f"{path} has no program for a server {name}", code="NOT_FOUND")
        if server.cwd:
            os.chdir(server.cwd)
        os.execvpe(server.command, [server.command, *server.args], {**os.environ, **server.env})  # noqa: S606 - no shell
    except BadServers as error:
        raise Failure(str(error), code="VALIDATION_ERROR") from error
    except (OSError, ValueError) as error:
        raise Failure(f"cannot start MCP server {name} of {path}: {error}", code="AGENT_NOT_STARTED") from error


def fake(call: Call) -> int:
    """Play a script as one of the agents would."""
    from maestro_cli.fake import main

    return main(call.texts("arguments"))
