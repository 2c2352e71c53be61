"""Skills over the socket: of the project that is named, read again by themselves when a file changes."""

from pathlib import Path

import pytest

from tests.daemon.scene import Scene
from tests.skills.test_catalogue import skill
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-skills")


def names(scene: Scene, path: str = "/skills") -> list[str]:
    return [each["name"] for each in scene.ok("GET", path)]


def test_what_is_shipped_is_there_for_each_role(scene: Scene) -> None:
    assert names(scene, "/skills/role/worker") == ["maestro-cli", "maestro-worker"]
    assert names(scene, "/skills/role/coordinate") == ["maestro-cli", "maestro-orchestrator"]
    assert "# Worker" in scene.ok("GET", "/skills/maestro-worker")["instructions"]
    assert scene.call("GET", "/skills/role/boss").status == 400


@pytest.mark.parametrize("name", ["nothing", "..%2f..", "%00", "x" * 3_000])
def test_a_skill_that_is_not_there_is_not_found(scene: Scene, name: str) -> None:
    answer = scene.call("GET", f"/skills/{name}")
    assert (answer.status, answer.json["code"]) == (404, "SKILL_NOT_FOUND")


def test_skills_of_a_project_are_its_own(scene: Scene, tmp_path: Path) -> None:
    skill(tmp_path / ".agents" / "skills", "house-rules")
    project = scene.project(workingDir=str(tmp_path))["id"]
    assert "house-rules" in names(scene, f"/skills?projectId={project}")
    assert "house-rules" not in names(scene)
    assert scene.call("GET", "/skills/house-rules").status == 404
    _, worker = scene.worker({"id": project})
    assert scene.ok("GET", "/skills/house-rules", headers=worker)["instructions"] == "Do it.\n"


def test_a_change_is_applied_without_a_restart_and_a_fault_is_told(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / ".claude" / "skills"
    place = skill(folder, "fresh", about="The first.")
    project = scene.project(workingDir=str(tmp_path))["id"]
    path = f"/skills/fresh?projectId={project}"
    assert scene.ok("GET", path)["description"] == "The first."
    skill(folder, "fresh", about="The second.")
    eventually(lambda: scene.ok("GET", path)["description"] == "The second.", timeout=30, what="the change is read")
    (place / "SKILL.md").write_text("---\nname: [")
    eventually(
        lambda: (scene.ok("GET", path), scene.ok("GET", "/status")["skills"])[1], timeout=30, what="the fault is told"
    )
    [trouble] = scene.ok("GET", "/status")["skills"]
    assert (trouble["path"], trouble["kept"]) == (str(place), True)
    assert scene.ok("GET", path)["description"] == "The second."
    skill(folder, "fresh", about="The third.")
    again = scene.ok("POST", f"/skills/fresh/reload?projectId={project}")
    assert (again["description"], again["reloaded"]) == ("The third.", True)
