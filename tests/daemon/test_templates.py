"""Templates over the socket: what is shipped answers like what was made, and sessions are told by them."""

import pytest

from tests.daemon.scene import Scene

pytestmark = pytest.mark.xdist_group("daemon-templates")


def test_what_is_shipped_answers_like_what_was_made(scene: Scene) -> None:
    shipped = scene.ok("GET", "/templates/tmpl_0_worker")
    assert (shipped["role"], shipped["isDefault"], shipped["version"]) == ("worker", True, 0)
    assert scene.ok("GET", "/templates/role/worker") == shipped
    assert scene.ok("GET", "/templates/role/execute") == shipped
    assert scene.ok("GET", "/templates/default/worker") == {"role": "worker", "content": shipped["content"]}
    assert scene.ok("GET", "/templates?role=worker")[0] == shipped
    assert "content" not in scene.ok("GET", "/templates?fields=summary")[0]


def test_an_edited_one_is_reset_to_what_is_shipped(scene: Scene) -> None:
    before = scene.ok("GET", "/templates/orchestrator")
    edited = scene.ok("PUT", "/templates/orchestrator", {"content": "Lead {{TASK_COUNT}} tasks."})
    assert (edited["id"], edited["version"]) == ("tmpl_0_orchestrator", 1)
    assert scene.ok("GET", "/templates/role/orchestrator") == edited
    assert scene.ok("POST", "/templates/orchestrator/reset") == before
    assert scene.ok("POST", "/templates/orchestrator/reset") == before
    refused = scene.call("DELETE", "/templates/orchestrator")
    assert (refused.status, refused.json["code"]) == (409, "CONFLICT")


def test_a_session_is_told_by_the_template_that_it_names(scene: Scene) -> None:
    made = scene.ok("POST", "/templates", {"name": "Terse", "mode": "execute", "content": "Be terse, {{SESSION_ID}}."})
    session = scene.session(templateId="terse")
    assert session["templateId"] == made["id"]
    assert scene.ok("GET", f"/sessions/{session['id']}/manifest")["template"] == "Be terse, {{SESSION_ID}}."
    scene.ok("DELETE", f"/templates/{made['id']}")
    assert scene.read(session)["templateId"] is None
    assert scene.ok("GET", f"/sessions/{session['id']}/manifest")["template"] == ""


@pytest.mark.parametrize("role", ["boss", "%00", "x" * 500])
def test_a_role_that_nobody_has_is_refused(scene: Scene, role: str) -> None:
    for path in (f"/templates?role={role}", f"/templates/role/{role}", f"/templates/default/{role}"):
        answer = scene.call("GET", path)
        assert (answer.status, answer.json["details"][0]["path"]) == (400, "role")
        assert len(answer.json["message"]) < 300


def test_an_unknown_placeholder_names_those_there_are(scene: Scene) -> None:
    answer = scene.call("POST", "/templates", {"name": "N", "role": "worker", "content": "{{NOPE}}"})
    assert answer.status == 400
    known = [each["name"] for each in scene.ok("GET", "/templates/placeholders")]
    assert all(name in answer.json["message"] for name in known)


def test_a_template_is_no_matter_of_agents_and_may_be_read_by_them(scene: Scene) -> None:
    _, worker = scene.worker()
    assert scene.call("PUT", "/templates/worker", {"content": "obey"}, headers=worker).status == 403
    assert scene.call("GET", "/templates", headers=worker).status == 200


def test_a_stale_edit_is_told_the_version_there_is(scene: Scene) -> None:
    made = scene.ok("POST", "/templates", {"name": "V", "role": "worker", "content": "x"})
    answer = scene.call("PUT", f"/templates/{made['id']}", {"content": "y"}, headers={"If-Match": '"3"'})
    assert (answer.status, answer.json["details"]) == (412, [{"version": 1}])
