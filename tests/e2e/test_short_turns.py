"""A turn that is over before anybody looked twice."""

import pytest

from tests.e2e.workshop import Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(120)]


def test_an_agent_without_hooks_whose_turn_was_too_short_for_its_title_to_be_told_is_idle_again(shop: Workshop) -> None:
    """tmux compares titles once a second: of such a turn only its declarations are heard."""
    shop.script("gemini", "SAY: hello", "TURN:", 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"')
    sessions = [shop.spawn("gemini", shop.task()) for _ in range(3)]
    for session in sessions:
        shop.becomes(session, "idle")
    for session in sessions:
        shop.ok("session", "send", session, "go on")

    for session in sessions:
        shop.becomes(session, "completed")
