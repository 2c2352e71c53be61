"""PURE: the variables that an agent finds in its pane."""

import json
from collections.abc import Mapping

from maestrod.protocol.manifest import Manifest, ManifestTask
from maestrod.providers.environment import inherited
from maestrod.providers.plan import LaunchPlan

VALUE_LIMIT = 32_000
"""Characters; one variable of 128 KiB keeps a process from starting at all."""


def caller_environment(environ: Mapping[str, str], plan: LaunchPlan, bin_folder: str) -> dict[str, str]:
    """What the agent inherits from whoever launches it; ``bin_folder`` goes in front of PATH when it is named."""
    kept = inherited(environ, unset=plan.unset, keep=plan.keep)
    path = kept.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
    return kept | {"PATH": f"{bin_folder}:{path}" if bin_folder else path}


def own_environment(
    manifest: Manifest, *, server: str, home: str, credential: str, path: str, maestro: str
) -> dict[str, str]:
    """What tells the agent and its hooks who they are; ``path`` is the manifest's. Nothing of it is secret."""
    variables = {
        "MAESTRO_SESSION_ID": manifest.session_id,
        "MAESTRO_PROJECT_ID": manifest.project.id,
        "MAESTRO_TASK_IDS": _short(",".join(task.id for task in manifest.tasks)),
        "MAESTRO_MANIFEST_PATH": path,
        "MAESTRO_ROLE": manifest.role.value,
        "MAESTRO_MODE": manifest.role.value,
        "MAESTRO_STRATEGY": manifest.strategy.value,
        "MAESTRO_PROVIDER": manifest.provider,
        "MAESTRO_SERVER": server,
        "MAESTRO_CREDENTIAL_FILE": credential,
        "MAESTRO_BIN": maestro,
    }
    if home:
        variables["MAESTRO_HOME"] = home
    return variables | _of_tasks(manifest.tasks)


def _of_tasks(tasks: tuple[ManifestTask, ...]) -> dict[str, str]:
    if not tasks:
        return {}
    first = tasks[0]
    return {
        "MAESTRO_TASK_TITLE": first.title,
        "MAESTRO_TASK_PRIORITY": first.priority.value,
        "MAESTRO_TASK_ACCEPTANCE": _listed(first.acceptance_criteria),
        "MAESTRO_TASK_DEPENDENCIES": _listed(first.dependencies),
        "MAESTRO_ALL_TASKS": _all(tasks),
    }


def _all(tasks: tuple[ManifestTask, ...]) -> str:
    rows = [
        {"id": t.id, "title": t.title, "status": t.status, "priority": t.priority, "dependencies": t.dependencies}
        for t in tasks
    ]
    return _listed(rows)


def _listed(items: object) -> str:
    """JSON; a list that is too long for a variable stays in the manifest, and an empty one stands for it."""
    text = json.dumps(items, ensure_ascii=False)
    return text if len(text) <= VALUE_LIMIT else "[]"


def _short(ids: str) -> str:
    return ids if len(ids) <= VALUE_LIMIT else ids[:VALUE_LIMIT].rpartition(",")[0]
