"""Permission dialogs of every provider are answered from Needs you, at real agents' stand-ins and a real daemon."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest

from maestro_tui.screens.inbox import Inbox
from maestro_tui.widgets.line_list import SLIP_S
from maestrod.domain.model import Noun
from tests.e2e.workshop import PROVIDERS, Workshop, workshop
from tests.support.eventually import eventually
from tests.tui.conftest import Seen, looking_at

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("answering")]


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own, with a project."""
    with workshop() as made:
        made.begin()
        yield made


def asked(shop: Workshop, session_id: str) -> str:
    """The dialog that is open now."""
    return str(shop.get(f"/sessions/{session_id}/screen")["dialog"])


async def its_question(seen: Seen, session_id: str, words: str) -> None:
    """On Needs you, with the dialog that has these words read and shown."""
    if seen.app.current_mode != "inbox":
        await seen.press("0")
    dialogs = seen.app.desk.asking.dialogs
    await seen.until(lambda: session_id in dialogs and words in dialogs[session_id].text, f"{words} is asked")
    await seen.until(lambda: seen.app.here.spot.subject == (Noun.SESSION, session_id))
    inbox = seen.app.here
    assert isinstance(inbox, Inbox)
    await seen.until(
        lambda: monotonic() - inbox._waiting._slipped > SLIP_S, "it has stood under the cursor for a while"
    )
    await seen.shows("Needs you (1)", "permission", words.rpartition("/")[2])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_permission_is_given_and_none_to_a_dialog_that_was_not_seen(shop: Workshop, provider: str) -> None:
    files = [shop.folder / name for name in ("one", "two", "three")]
    shop.script(provider, *(f"PERMISSION: touch {file}" for file in files))
    session_id = await asyncio.to_thread(shop.spawn, provider, more=["--keep-open"])
    async with looking_at(f"unix:{shop.door.socket}", shop.env) as seen:
        await its_question(seen, session_id, str(files[0]))
        await seen.press("1")
        await seen.until(files[0].exists, "the first command has run")
        await its_question(seen, session_id, str(files[1]))

        # Somebody answers at its window, and the next dialog opens before the screen has heard of it.
        shop.ok("session", "keys", session_id, "1")
        eventually(lambda: str(files[2]) in asked(shop, session_id), what="the third asks")
        seen.app.answer(session_id, "1")

        await seen.until(lambda: [t for t in seen.app._notifications if "not delivered: another" in t.message])
        assert [entry["answer"] for entry in shop.log("permission")] == ["yes", "yes"]
        assert not files[2].exists()
        await its_question(seen, session_id, str(files[2]))
        await seen.press("y")
        await seen.until(files[2].exists, "the one that is seen now is answered")
    assert [entry["answer"] for entry in shop.log("permission")] == ["yes", "yes", "yes"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_no_is_a_no(shop: Workshop, provider: str) -> None:
    file = shop.folder / "never"
    shop.script(provider, f"PERMISSION: touch {file}")
    session_id = await asyncio.to_thread(shop.spawn, provider, more=["--keep-open"])
    async with looking_at(f"unix:{shop.door.socket}", shop.env) as seen:
        await its_question(seen, session_id, str(file))
        await seen.press("n")
        await seen.until(lambda: [entry["answer"] for entry in shop.log("permission")] == ["no"])
    assert not file.exists()
