"""Gemini CLI. Flags and dialogs as measured with 0.61.0."""

import shlex

import msgspec

from maestrod.domain.model import Conversation, PermissionMode
from maestrod.protocol.manifest import Manifest
from maestrod.providers import environment, toml
from maestrod.providers.plan import Consent, LaunchContext, LaunchFile, LaunchPlan, Quit, Unfit
from maestrod.providers.words import PROMPT_FILE, fits, opening, prompt_file

NAME = "gemini"
POLICY_FILE = "gemini-policy.toml"

EVENTS = ("SessionStart", "SessionEnd", "BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "Notification")
HOOK_TIMEOUT_MS = 5_000

_RULE = """\
[[rule]]
toolName = "run_shell_command"
commandPrefix = {prefix}
decision = "allow"
priority = 100
"""

MODES = {
    PermissionMode.ACCEPT_EDITS: "auto_edit",
    PermissionMode.READ_ONLY: "plan",
    PermissionMode.INTERACTIVE: "default",
    PermissionMode.BYPASS: "yolo",
}

CONSENT = Consent(
    question="Gemini CLI takes hooks from an extension alone. May Maestro add one? It does nothing in other windows.",
    without="Gemini's title alone tells what it does",
)

MODELS = {"haiku": "flash", "sonnet": "auto", "opus": "pro"}
"""Gemini's own aliases, which follow its models."""


def plan(manifest: Manifest, context: LaunchContext) -> LaunchPlan:
    """There is no flag for the system part: it goes in front of the prompt. Hooks are an extension's matter."""
    known = manifest.conversation_id if manifest.resume else None
    conversation_id = known or context.conversation_id
    prompt = f"{context.system}\n\n{context.prompt}"
    flags = _flags(manifest, context)
    back = (context.executable, f"--resume={conversation_id}", *flags)
    fresh = (context.executable, f"--session-id={conversation_id}", *flags)
    if manifest.fork_of is not None and not manifest.resume:
        fresh = (context.executable, f"--session-file={_transcript(manifest.fork_of)}", *flags)
        conversation_id = ""  # it chooses one itself, and tells it by its first hook
    return LaunchPlan(
        provider=NAME,
        argv=(*(back if known else fresh), "-i", opening(context, prompt)),
        cwd=context.cwd,
        env=({"GEMINI_CLI_TRUST_WORKSPACE": "true"} if context.trusted else {}) | {"COLORTERM": "truecolor"},
        unset=environment.UNSET,
        keep=environment.OWN_SETTINGS,
        files=(LaunchFile(PROMPT_FILE, prompt), LaunchFile(POLICY_FILE, _policy(context, prompt))),
        trust=None,
        conversation_id=conversation_id or None,
        resume_argv=back if conversation_id else None,
        quit_words=Quit.QUIT,
        sign_within_s=30.0,
        notes=_notes(manifest, context),
    )


def extension() -> tuple[LaunchFile, ...]:
    """The extension's files. It finds the program that launched the agent by the environment, so it never grows old."""
    manifest = {"name": "maestro", "version": "1.0.0", "description": "Tells Agent Maestro what this agent does."}
    hooks = {event: [{"hooks": [_hook(event)]}] for event in EVENTS}
    return tuple(
        LaunchFile(name, msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n", 0o644)
        for name, content in (("gemini-extension.json", manifest), ("hooks/hooks.json", {"hooks": hooks}))
    )


def _hook(event: str) -> dict[str, object]:
    command = f'[ -z "$MAESTRO_BIN" ] || exec "$MAESTRO_BIN" hook {NAME} {event}'
    return {"type": "command", "name": f"maestro-{event}", "command": command, "timeout": HOOK_TIMEOUT_MS}


def _transcript(conversation: Conversation) -> str:
    """The file that a copy is made from.

    Raises:
        Unfit: nobody knows where it is.
    """
    if not conversation.transcript_path:
        raise Unfit("where Gemini keeps that conversation is told by its hooks alone: `maestro agent hooks install`")
    return conversation.transcript_path


def _notes(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    effort = "Gemini CLI has no levels of effort: its model's own is taken"
    servers = "Gemini CLI takes MCP servers from its own settings alone: `gemini mcp add` puts them there"
    return (*([effort] if manifest.effort else []), *([servers] if context.mcp is not None else []))


def _flags(manifest: Manifest, context: LaunchContext) -> tuple[str, ...]:
    """Values are joined by ``=``: a separate word that begins with a dash would be taken for an option."""
    model = (f"--model={MODELS.get(manifest.model, manifest.model)}",) if manifest.model else ()
    return (
        *model,
        f"--approval-mode={MODES[manifest.permission_mode]}",
        *(("--skip-trust",) if context.trusted else ()),
        f"--policy={context.folder}/{POLICY_FILE}",
    )


def _policy(context: LaunchContext, prompt: str) -> str:
    """What runs without a question. A folder could not be added to the workspace without one."""
    words = ["maestro"] if fits(prompt) else ["maestro", shlex.join(("cat", prompt_file(context)))]
    return "\n".join(_RULE.format(prefix=toml.text(word)) for word in words)
