"""Projects: two live ones never share a directory."""

import pytest

from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.model import Defaults, Limits, PermissionMode
from maestrod.domain.projects import ArchiveProject, CreateProject, EditProject
from tests.domain.world import World


def test_a_directory_belongs_to_one_live_project() -> None:
    world = World()
    first = world.project("First", "/works")
    refused = world.refuse(Conflict, CreateProject(name="Second", working_dir="/works"))
    assert refused.details == ({"projectId": first},)
    second = world.project("Second", "/other")
    world.refuse(Conflict, EditProject(project_id=second, working_dir="/works"))
    world.nothing(EditProject(project_id=second, working_dir="/other"))


def test_an_archived_project_gives_its_directory_up() -> None:
    world = World()
    first = world.project()
    world.do(ArchiveProject(project_id=first))
    assert world.state.project(first).archived_at == world.now
    world.nothing(ArchiveProject(project_id=first))
    second = world.project()
    world.do(EditProject(project_id=first, name="Old", working_dir="/works"))
    world.refuse(Conflict, ArchiveProject(project_id=first, archived=False))
    world.do(EditProject(project_id=second, working_dir="/elsewhere"))
    world.do(ArchiveProject(project_id=first, archived=False))
    assert world.state.project(first).archived_at is None
    assert world.state.projects_by_dir == {"/works": first, "/elsewhere": second}


def test_an_edit_changes_what_was_sent() -> None:
    world = World()
    project = world.project(description="old")
    defaults = Defaults(provider="codex", permission_mode=PermissionMode.READ_ONLY)
    command = EditProject(
        project_id=project, defaults=defaults, setup_command="make", copy_files=(".env",), limits=Limits(max_sessions=2)
    )
    world.do(command)
    found = world.state.project(project)
    assert (found.description, found.defaults, found.setup_command) == ("old", defaults, "make")
    assert (found.copy_files, found.limits.max_sessions) == ((".env",), 2)
    world.nothing(command)
    world.do(EditProject(project_id=project, setup_command=None))
    assert world.state.project(project).setup_command is None


@pytest.mark.parametrize(
    "path",
    ["", " ", "works", "./works", "/works/", "//works", "/works//a", "/works/./a", "/works/..", "/a\nb", "/a\0", "~"],
)
def test_a_working_directory_is_absolute_and_resolved(path: str) -> None:
    world = World()
    refused = world.refuse(Invalid, CreateProject(name="Works", working_dir=path))
    assert {p.path for p in refused.problems} == {"workingDir"}


@pytest.mark.parametrize("path", ["/", "/works", "/a/.b/c..d", "/" + "x" * 4095])
def test_any_absolute_path_is_a_working_directory(path: str) -> None:
    World().project("Works", path)


def test_wrong_bounds_and_defaults_are_named() -> None:
    world = World()
    command = CreateProject(
        name="",
        working_dir="/works",
        limits=Limits(max_sessions=0),
        defaults=Defaults(provider="", model="x" * 201),
        copy_files=("a\0b",),
    )
    paths = [p.path for p in world.refuse(Invalid, command).problems]
    assert paths == ["name", "copyFiles[0]", "limits.maxSessions", "defaults.provider", "defaults.model"]
