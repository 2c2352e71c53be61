"""A repository, a daemon beside it, and sessions with worktrees: made as a launcher makes them, without an agent."""

import itertools
from pathlib import Path

from maestrod.git import copies, worktrees
from maestrod.git.process import Git
from tests.daemon.scene import Json, Scene
from tests.support.daemon import Answer
from tests.support.repository import ENVIRON, git, repository

_numbers = itertools.count(1)


class Yard:
    """A project in a repository of its own."""

    def __init__(self, scene: Scene, folder: Path, *, inside: str = "", **fields: object) -> None:
        self.scene = scene
        self.repository = repository(folder / "work")
        self.directory = self.repository / inside
        self.directory.mkdir(exist_ok=True)
        self.project = scene.project(workingDir=str(self.directory), **fields)

    def session(self, *, live: bool = False, **fields: object) -> tuple[Json, Path]:
        """A session whose worktree was made, most often one that has ended; and the worktree."""
        more = {"worktree": True, "name": f"Work {next(_numbers)}", **fields}
        session = self.scene.session(self.project, **more)  # type: ignore[arg-type]
        self.scene.launch(session)
        here = Git(self.directory, ENVIRON)
        base = worktrees.base_of(here)
        body = {"baseCommit": base.commit, "baseBranch": base.branch, "directory": base.directory}
        planned = self.scene.ok("POST", f"/sessions/{session['id']}/worktree", body)["worktree"]
        worktrees.add(here, planned["path"], planned["branch"], base.commit)
        copies.copy(self.directory, Path(planned["path"], base.directory), self.project["copyFiles"])
        self.scene.ok("PATCH", f"/sessions/{session['id']}/worktree", {})
        if not live:
            self.scene.ok("POST", f"/sessions/{session['id']}/stop", {})
        return self.scene.read(session), Path(planned["path"])

    def look(self, session: Json) -> Json:
        return self.scene.made("GET", f"/sessions/{session['id']}/worktree")

    def remove(self, session: Json, *, force: bool = False, **how: object) -> Answer:
        query = "?force=true" if force else ""
        return self.scene.call("DELETE", f"/sessions/{session['id']}/worktree{query}", **how)

    def merge(self, session: Json, **body: object) -> Answer:
        return self.scene.call("POST", f"/sessions/{session['id']}/worktree/merge", body)

    def trash(self) -> list[Json]:
        found: list[Json] = self.scene.ok("GET", f"/projects/{self.project['id']}/trash")
        return found

    def restore(self, name: str) -> Answer:
        return self.scene.call("POST", f"/projects/{self.project['id']}/trash/{name}/restore", {})

    def branches(self) -> list[str]:
        return git(self.repository, "branch", "--list", "--format=%(refname:short)", "maestro/*").split()
