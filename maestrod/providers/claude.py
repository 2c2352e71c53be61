"""Claude Code. Flags, hooks and dialogs as measured with 2.1.329."""

from pathlib import PurePosixPath

import msgspec

from maestrod.domain.model import PermissionMode
from maestrod.protocol.manifest import Manifest
from maestrod.providers import environment
from maestrod.providers.plan import Consent, LaunchContext, LaunchFile, LaunchPlan, Quit, Trust
from maestrod.providers.words import PROMPT_FILE, SYSTEM_FILE, fits, hook_command, opening, prompt_file

NAME = "claude"
SETTINGS_FILE = "claude-settings.json"

EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Notification",
    "Stop",
    "StopFailure",
    "SubagentStop",
    "SessionEnd",
)
HOOK_TIMEOUT_S = 5

MODES = {
    PermissionMode.ACCEPT_EDITS: "acceptEdits",
    PermissionMode.READ_ONLY: "dontAsk",
    PermissionMode.INTERACTIVE: "default",
    PermissionMode.BYPASS: "bypassPermissions",
}
"""``dontAsk`` reads, runs what is allowed, and is refused the rest without a dialog that nobody answers.
``default`` is called ``manual`` in the help; older versions know only ``default``."""


CONSENT = Consent(
    question="Claude Code asks in every new directory whether you trust it. May Maestro answer yes, "
    "for directories that you made projects?",
    without="Claude Code asks in its window whether you trust the directory",
)


def plan(manifest: Manifest, context: LaunchContext) -> LaunchPlan:
    """The conversation's id is chosen here, so it is known before the first hook."""
    known = manifest.conversation_id if manifest.resume else None
    conversation_id = known or context.conversation_id
    flags = _flags(manifest, context)
    back = (context.executable, "--resume", conversation_id, *flags)
    fresh = (context.executable, "--session-id", conversation_id, *flags)
    if manifest.fork_of is not None and not manifest.resume:
        fresh = (context.executable, "--resume", manifest.fork_of.id, "--fork-session", *fresh[1:])
    return LaunchPlan(
        provider=NAME,
        argv=(*(back if known else fresh), "--", opening(context, context.prompt)),
        cwd=context.cwd,
        env={"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1"},
        unset=environment.UNSET,
        keep=environment.OWN_SETTINGS,
        files=(
            LaunchFile(SYSTEM_FILE, context.system),
            LaunchFile(PROMPT_FILE, context.prompt),
            LaunchFile(SETTINGS_FILE, _settings(manifest, context)),
            *_plugin(context),
        ),
        trust=trust(context.cwd),
        conversation_id=conversation_id,
        resume_argv=back,
        quit_words=Quit.EXIT,
        sign_within_s=20.0,
    )


def trust(cwd: str) -> Trust:
    """Where the answer for a directory is kept."""
    keys = ("projects", cwd, "hasTrustDialogAccepted")
    return Trust(home_variable="CLAUDE_CONFIG_DIR", name=".claude.json", keys=keys)


def _flags(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    model = ("--model", manifest.model) if manifest.model else ()
    return (
        *("--name", manifest.name),
        *("--settings", f"{context.folder}/{SETTINGS_FILE}"),
        *("--append-system-prompt-file", f"{context.folder}/{SYSTEM_FILE}"),
        *("--permission-mode", MODES[manifest.permission_mode]),
        *model,
        *(("--effort", manifest.effort) if manifest.effort else ()),
        # Takes all words that follow it, so an option must come next.
        *(("--mcp-config", context.mcp.path) if context.mcp is not None else ()),
        # An added directory would be asked about in a dialog; a plugin of this one run is not.
        *(("--plugin-dir", context.skills_folder) if context.skills_folder else ()),
        # Takes all words that follow it, so an option or `--` must come next.
        *("--allowedTools", "Bash(maestro *)"),
    )


def _plugin(context: LaunchContext) -> tuple[LaunchFile, ...]:
    """What makes a plugin of the folder of skills."""
    if not context.skills_folder:
        return ()
    about = {"name": "maestro", "description": "The skills of this session.", "skills": ["./.claude/skills/"]}
    name = f"{PurePosixPath(context.skills_folder).name}/.claude-plugin/plugin.json"
    return (LaunchFile(name, msgspec.json.encode(about).decode()),)


def _settings(manifest: Manifest, context: LaunchContext) -> str:
    allowed = ["Bash(maestro:*)"]
    if not fits(context.prompt):
        allowed.append(f"Read(/{prompt_file(context)})")  # two slashes: from the root
    settings: dict[str, object] = {
        "hooks": {event: [{"hooks": [_hook(context, event)]}] for event in EVENTS},
        "permissions": {"allow": allowed},
    }
    if manifest.permission_mode is PermissionMode.BYPASS:
        settings["skipDangerousModePermissionPrompt"] = True
    return msgspec.json.format(msgspec.json.encode(settings), indent=1).decode()


def _hook(context: LaunchContext, event: str) -> dict[str, object]:
    return {"type": "command", "command": hook_command(context, NAME, event), "timeout": HOOK_TIMEOUT_S}
