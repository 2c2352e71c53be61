"""The recordings: every one has its label, every label its recording."""

import pytest

from maestrod.watch.evidence import Doing
from tests.agents import corpus


@pytest.mark.parametrize("provider", corpus.PROVIDERS)
def test_every_recording_has_a_label(provider: str) -> None:
    labels, folder = corpus.labels(provider), corpus.HERE / provider
    assert {path.stem for path in (folder / "screens").iterdir()} == set(labels.screens)
    assert {path.stem for path in (folder / "hooks").iterdir()} == set(labels.hooks)
    assert corpus.transcript(provider)


@pytest.mark.parametrize(
    ("provider", "name", "label"), [pytest.param(*s, id=f"{s[0]}-{s[1]}") for s in corpus.screens()]
)
def test_a_label_says_what_there_is_to_say(provider: str, name: str, label: corpus.ScreenLabel) -> None:
    assert label.doing in {doing.value for doing in Doing}
    assert bool(label.kind) == bool(label.text) == (label.doing in {"needs_input", "error"})
    drawn = "".join(corpus.screen(provider, name).split())
    for choice in label.choices:
        assert "".join(choice.split()) in drawn
