"""The providers that are built in, in the order in which a default is looked for."""

from collections.abc import Callable, Mapping

import msgspec

from maestrod.protocol.manifest import Manifest
from maestrod.providers import claude, codex, gemini
from maestrod.providers.plan import Consent, LaunchContext, LaunchPlan


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An agent program; where nothing else is said, its name is what is looked for on PATH, and run."""

    name: str
    title: str
    install: str
    """How people get it, for messages."""
    plan: Callable[[Manifest, LaunchContext], LaunchPlan]
    consent: Consent | None = None
    program: str = ""
    """What must be installed."""
    runs: str = ""
    """The first word of what is run."""

    @property
    def needs(self) -> tuple[str, str]:
        """What must be installed, and what is run: names on PATH, or paths."""
        return self.program or self.name, self.runs or self.name


BUILT_IN: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name=claude.NAME,
            title="Claude Code",
            install="npm install -g @anthropic-ai/claude-code",
            plan=claude.plan,
            consent=claude.CONSENT,
        ),
        Provider(name=codex.NAME, title="Codex", install="npm install -g @openai/codex", plan=codex.plan),
        Provider(
            name=gemini.NAME,
            title="Gemini CLI",
            install="npm install -g @google/gemini-cli",
            plan=gemini.plan,
            consent=gemini.CONSENT,
        ),
    )
}


class UnknownProvider(Exception):
    """No provider has this name; the message names those there are."""

    def __init__(self, name: str, known: tuple[str, ...] = tuple(BUILT_IN), broken: str = "") -> None:
        self.name = name
        self.known = known
        super().__init__(broken or f"no provider '{name}'; there are {', '.join(known)}")


def provider(name: str) -> Provider:
    """The provider of that name.

    Raises:
        UnknownProvider: there is none.
    """
    if name not in BUILT_IN:
        raise UnknownProvider(name)
    return BUILT_IN[name]


def plan(name: str, manifest: Manifest, context: LaunchContext) -> LaunchPlan:
    """How to start this provider for the session.

    Raises:
        UnknownProvider: there is no provider of that name.
    """
    return provider(name).plan(manifest, context)
