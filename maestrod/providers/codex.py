"""Codex. Flags, hooks and dialogs as measured with 0.169.0."""

import hashlib
import json
import re

from maestrod.domain.model import Effort, PermissionMode, Role
from maestrod.protocol.manifest import Manifest
from maestrod.providers import environment, toml
from maestrod.providers.mcp import Servers
from maestrod.providers.plan import LaunchContext, LaunchFile, LaunchPlan, Quit
from maestrod.providers.words import PROMPT_FILE, SYSTEM_FILE, hook_command, opening

NAME = "codex"

EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Stop",
    "SubagentStop",
    "Interrupt",
    "SessionEnd",
)
HOOK_TIMEOUT_S = 3

MODES = {
    PermissionMode.ACCEPT_EDITS: ("-a", "on-request", "-s", "workspace-write"),
    PermissionMode.READ_ONLY: ("-a", "on-request", "-s", "read-only"),
    PermissionMode.INTERACTIVE: ("-a", "on-request", "-s", "read-only"),
    PermissionMode.BYPASS: ("--dangerously-bypass-approvals-and-sandbox",),
}
"""There is no mode between the two sandboxes: in both of the read-only ones a person approves each way out of it,
and `maestro` is one, for nothing in there can connect."""

NATIVE_EFFORTS = {Effort.LOW: "low", Effort.MEDIUM: "medium", Effort.HIGH: "high", Effort.MAX: "xhigh"}

EFFORTS = {"haiku": "low", "sonnet": "medium", "opus": "high"}
"""A tier is an effort of the user's own model: names of models come and go."""


def plan(manifest: Manifest, context: LaunchContext) -> LaunchPlan:
    """The conversation's id cannot be chosen; it comes with the first hook, at the first prompt."""
    known = manifest.conversation_id if manifest.resume else None
    flags = _flags(manifest, context)
    back = (context.executable, "resume", known, *flags) if known else None
    fresh = (context.executable, *flags)
    if manifest.fork_of is not None and not manifest.resume:
        fresh = (context.executable, "fork", manifest.fork_of.id, *flags)
    return LaunchPlan(
        provider=NAME,
        argv=(*(back or fresh), opening(context, context.prompt)),
        cwd=context.cwd,
        env={},
        unset=environment.UNSET,
        keep=environment.OWN_SETTINGS,
        files=(LaunchFile(SYSTEM_FILE, context.system), LaunchFile(PROMPT_FILE, context.prompt)),
        trust=None,
        conversation_id=known,
        resume_argv=back,
        quit_words=Quit.QUIT,
        sign_within_s=20.0,
        notes=_notes(manifest, context),
    )


def _flags(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    return (
        # The shared background server would run the agent in an environment of its own.
        "--no-daemon",
        "--no-alt-screen",
        *_model(manifest),
        *MODES[manifest.permission_mode],
        *("-C", context.cwd),
        *_writable(manifest, context),
        *_servers(context),
        # Off, nothing in the sandbox can reach the daemon's socket; hooks run outside of it.
        *_set("sandbox_workspace_write.network_access", toml.inline(value=manifest.network)),
        *_set("developer_instructions", toml.text(context.system)),
        *(_set("projects", toml.inline({context.cwd: {"trust_level": "trusted"}})) if context.trusted else ()),
        # A login shell would set PATH anew, and `maestro` would not be found.
        *_set("allow_login_shell", toml.inline(value=False)),
        *_set("check_for_update_on_startup", toml.inline(value=False)),
        *(word for event in EVENTS for word in _hook(context, event)),
        *_set("hooks.state", toml.inline({_key(event): {"trusted_hash": _hash(context, event)} for event in EVENTS})),
    )


def _writable(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    if manifest.permission_mode is not PermissionMode.ACCEPT_EDITS:
        return ()
    launching = context.launch_folders if manifest.role is Role.ORCHESTRATOR and manifest.network else ()
    telling = (context.spool,) if context.spool and not manifest.network else ()
    committing = (context.git_folder,) if context.git_folder else ()
    return tuple(word for folder in (*launching, *telling, *committing) for word in ("--add-dir", folder))


def _model(manifest: Manifest) -> tuple[str, ...]:
    model, effort = manifest.model or "", NATIVE_EFFORTS[manifest.effort] if manifest.effort else ""
    wanted = effort or EFFORTS.get(model, "")
    return (
        *(("-m", model) if model and model not in EFFORTS else ()),
        *(_set("model_reasoning_effort", toml.text(wanted)) if wanted else ()),
    )


def _servers(context: LaunchContext) -> tuple[str, ...]:
    """Programs are started through us, so that their variables stay in the file: anybody can read arguments."""
    words: list[str] = []
    given = context.mcp or Servers(path="", servers={})
    for name, server in given.servers.items():
        through: toml.Value = {"command": context.maestro, "args": ["agent", "mcp", given.path, name]}
        words += _set(f"mcp_servers.{name}", toml.inline({"url": server.url} if server.url else through))
    return tuple(words)


def _notes(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    servers = context.mcp.servers if context.mcp is not None else {}
    left = [
        f"the headers of MCP server {name} are left out: Codex takes them from its settings"
        for name in servers
        if servers[name].headers
    ]
    off = "without network `maestro` is heard from inside by way of hooks alone: it can tell, and cannot ask"
    sandboxed = manifest.permission_mode is not PermissionMode.BYPASS
    return (*left, *([off] if sandboxed and not manifest.network else []))


def _hook(context: LaunchContext, event: str) -> tuple[str, ...]:
    return _set(f"hooks.{event}", toml.inline([{"hooks": [_definition(context, event)]}]))


def _definition(context: LaunchContext, event: str) -> dict[str, toml.Value]:
    return {"type": "command", "command": hook_command(context, NAME, event), "timeout": HOOK_TIMEOUT_S}


def _key(event: str) -> str:
    """What Codex calls the first hook of an event that came by ``-c``."""
    return f"/<session-flags>/config.toml:{_snake(event)}:0:0"


def _hash(context: LaunchContext, event: str) -> str:
    """What Codex knows our definition by. Any other hook, a repository's say, is still asked about."""
    hook = {**_definition(context, event), "async": False}
    told = {"event_name": _snake(event), "hooks": [hook]}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _snake(event: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


def _set(key: str, value: str) -> tuple[str, str]:
    return ("-c", f"{key}={value}")
