"""Keys by the command: the secret is printed once, and only people get one."""

from tests.cli.program import Maestro


def test_a_key_is_made_listed_rotated_and_revoked(maestro: Maestro) -> None:
    made = maestro("key", "create", "Build farm", "--scope", "read,write", "--expires", "90d")
    assert made.code == 0, made
    secret = made.out.rpartition("secret  ")[2].strip()
    assert secret.startswith("mk_")
    listed = maestro("key", "list").out
    assert secret not in listed
    row = next(line for line in listed.splitlines() if line.endswith("Build farm"))
    assert "read,write" in row
    rotated = maestro.ok("key", "rotate", "build-farm")
    assert isinstance(rotated, dict)
    assert rotated["secret"].startswith("mk_")
    assert rotated["secret"] != secret
    assert maestro("key", "revoke", "build-farm").code == 0
    assert maestro("key", "rotate", "build-farm", "--json").error == "key_not_found"


def test_a_key_of_one_project_names_it(maestro: Maestro) -> None:
    project = maestro.ok("project", "get")
    assert isinstance(project, dict)
    made = maestro.ok("key", "create", "Screen", "--only", project["id"])
    assert isinstance(made, dict)
    assert (made["projectIds"], made["scopes"]) == ([project["id"]], ["read"])
    assert maestro("key", "create", "N", "--scope", "root").code == 2
