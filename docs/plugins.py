"""Writes ``contrib/plugins/maestro``, which Claude Code, Codex and Gemini install: ``python docs/plugins.py``.

``--check`` only compares. One folder serves all three:

* Claude Code and Codex read it as a marketplace that holds one plugin, in ``plugin``. Each has its own file of hooks
  there: Claude Code loads no plugin whose ``hooks/hooks.json`` names an event that it does not know.
* Gemini reads it as an extension, with hooks in ``hooks/hooks.json`` and nowhere else.

What is in there was tried with Claude Code 2.1.197, Codex 0.171.0 and Gemini CLI 0.61.0.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import maestrod
from maestrod.providers import claude, codex, gemini

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "contrib" / "plugins" / "maestro"
SKILLS = ROOT / "skills"

NAME = "maestro"
MARKET = "agent-maestro"
ABOUT = "Coding agents that work together: tasks, reports, mail and workers by the `maestro` command."

COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "maestro-status": (
        "How the agents of this machine stand",
        "maestro status",
        "Say in a few sentences how things stand, and what needs the user; name the command that helps.",
    ),
    "maestro-prime": (
        "What there is to know of Agent Maestro here",
        "maestro prime",
        "This is what you should know now. If it names work of yours, go on with it; else wait for the user.",
    ),
}
"""A slash command: what it is about, what it runs, and what is to be done with what that printed."""


def files() -> dict[str, str]:
    """The folder's files by their paths in it."""
    made = dict(_texts())
    for path in sorted(SKILLS.rglob("*")):
        if path.is_file():
            for place in ("skills", "plugin/skills"):
                made[f"{place}/{path.relative_to(SKILLS).as_posix()}"] = path.read_text(encoding="utf-8")
    return made


def _texts() -> Iterator[tuple[str, str]]:
    source = "./plugin"
    known = {"name": NAME, "version": maestrod.__version__, "description": ABOUT}
    more = {"author": {"name": "Agent Maestro"}, "license": "Apache-2.0", "keywords": ["agents", "tasks", "tmux"]}
    yield (
        ".claude-plugin/marketplace.json",
        _json(
            {
                "name": MARKET,
                "owner": {"name": "Agent Maestro"},
                "description": ABOUT,
                "plugins": [{"name": NAME, "source": source, "description": ABOUT}],
            }
        ),
    )
    yield (
        ".agents/plugins/marketplace.json",
        _json(
            {
                "name": MARKET,
                "interface": {"displayName": "Agent Maestro"},
                "plugins": [
                    {
                        "name": NAME,
                        "source": {"source": "local", "path": source},
                        "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
                        "category": "Coding",
                    }
                ],
            }
        ),
    )
    yield "plugin/.claude-plugin/plugin.json", _json({**known, **more, "hooks": "./hooks/claude.json"})
    yield (
        "plugin/.codex-plugin/plugin.json",
        _json({**known, **more, "skills": "./skills/", "hooks": "./hooks/codex.json"}),
    )
    yield "plugin/hooks/claude.json", _hooks("claude", claude.EVENTS, claude.HOOK_TIMEOUT_S)
    yield "plugin/hooks/codex.json", _hooks("codex", codex.EVENTS, codex.HOOK_TIMEOUT_S)
    yield "gemini-extension.json", _json(known)
    yield "hooks/hooks.json", _hooks("gemini", gemini.EVENTS, gemini.HOOK_TIMEOUT_MS)
    for name, (about, runs, then) in COMMANDS.items():
        yield (
            f"plugin/commands/{name}.md",
            f"---\ndescription: {about}\nallowed-tools: Bash({runs}:*)\n---\n\n!`{runs}`\n\n{then}\n",
        )
        yield f"commands/{name}.toml", f'description = "{about}"\nprompt = """\n!{{{runs}}}\n\n{then}\n"""\n'


def hook(provider: str, event: str) -> str:
    """The command of a hook: outside of Maestro's sessions nothing but a test of a variable, and never a failure."""
    return f'test -z "$MAESTRO_SESSION_ID" || maestro hook {provider} {event} --plugin || true'


def _hooks(provider: str, events: tuple[str, ...], timeout: int) -> str:
    def one(event: str) -> dict[str, object]:
        named = {"name": f"maestro-{event}"} if provider == "gemini" else {}
        return {"type": "command", **named, "command": hook(provider, event), "timeout": timeout}

    return _json({"hooks": {event: [{"hooks": [one(event)]}] for event in events}})


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the folder, or name what in it is not current."""
    wanted = files()
    there = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*")) if path.is_file()}
    extra = [name for name in there if name not in wanted]
    changed = [n for n in wanted if n not in there or there[n].read_text(encoding="utf-8") != wanted[n]]
    if "--check" in sys.argv[1:]:
        sys.stderr.write("".join(f"{name} is not current\n" for name in (*changed, *extra)))
        return int(bool(changed or extra))
    for name in extra:
        there[name].unlink()
    for name in changed:
        place = FOLDER / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(wanted[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
