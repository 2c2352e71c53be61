"""`GET /why` and `GET /invariants` over the socket."""

import pytest

from tests.daemon.scene import Scene

pytestmark = pytest.mark.xdist_group("daemon-why")


def test_each_kind_of_thing_is_explained(scene: Scene) -> None:
    session = scene.queue()
    task = session["taskIds"][0]
    for query, about, id_ in (
        (f"task={task}", "task", task),
        (f"session={session['id'][-9:]}", "session", session["id"]),
        (f"queue={session['id']}", "queue", session["id"]),
        (f"projectId={session['projectId']}", "project", session["projectId"]),
    ):
        found = scene.ok("GET", f"/why?{query}")
        assert (found["about"], found["id"]) == (about, id_)
        assert found["causes"]
        assert all(set(cause) == {"text", "since", "todo"} for cause in found["causes"])


@pytest.mark.parametrize(("query", "path"), [("", "projectId"), ("task=x&session=y", "session")])
def test_one_thing_must_be_named(scene: Scene, query: str, path: str) -> None:
    answer = scene.call("GET", f"/why?{query}")
    assert (answer.status, answer.json["details"][0]["path"]) == (400, path)


def test_invariants_are_shown(scene: Scene) -> None:
    assert scene.ok("GET", "/invariants")["broken"] == []
