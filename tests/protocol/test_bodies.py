"""Bodies of the routes that are neither a command nor a query."""

import pytest

from maestrod.domain.errors import Invalid
from maestrod.protocol.bodies import Brought, Nothing, decoded


def test_a_body_is_read_by_its_fields() -> None:
    assert decoded({"files": {"a.json": "{}"}, "dryRun": True}, Brought) == Brought(
        files={"a.json": "{}"}, dry_run=True
    )


@pytest.mark.parametrize(
    ("document", "field"),
    [({"files": {"a": 1}}, "files"), ({"files": {}, "colour": 1}, "colour"), ({}, "files")],
    ids=["wrong", "unknown", "missing"],
)
def test_a_wrong_body_names_the_field(document: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        decoded(document, Brought)
    assert caught.value.problems[0].path.startswith(field)


def test_what_takes_no_body_takes_no_field() -> None:
    assert decoded({}, Nothing) == Nothing()
    with pytest.raises(Invalid):
        decoded({"force": True}, Nothing)
