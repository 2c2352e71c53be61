"""Templates by the command: made, made the default, told to a session, taken back."""

from tests.cli.program import Maestro


def test_a_template_is_written_made_the_default_and_deleted(maestro: Maestro) -> None:
    text = b"# {{SESSION_NAME}}\n{{COMMANDS}}\n"
    made = maestro.ok("template", "create", "House rules", "--role", "worker", "--content", "-", stdin=text)
    assert isinstance(made, dict)
    shown = maestro("template", "get", "house-rules").out
    assert "  # {{SESSION_NAME}}" in shown
    assert maestro("template", "edit", made["id"], "--default").code == 0
    listed = maestro("template", "list", "--role", "worker").out
    assert "as shipped" in listed
    assert "yes" in next(row for row in listed.splitlines() if row.endswith("House rules"))
    assert maestro("template", "edit", made["id"], "--no-default").code == 0
    assert maestro("template", "delete", made["id"]).code == 0
    assert maestro("template", "get", made["id"], "--json").error == "template_not_found"


def test_what_may_be_filled_in_is_listed_and_checked(maestro: Maestro) -> None:
    assert "{{PROJECT_NAME}}" in maestro("template", "placeholders").out
    refused = maestro("template", "create", "N", "--role", "worker", "--content", "{{NOPE}}")
    assert refused.code == 2
    assert "PROJECT_NAME" in refused.err


def test_a_session_is_spawned_with_a_template(maestro: Maestro) -> None:
    made = maestro.id("template", "create", "Brief", "--role", "worker", "--content", "Be brief.")
    spawned = maestro.ok("session", "spawn", "--template", "brief", "--no-launch")
    assert isinstance(spawned, dict)
    session = spawned.get("session", spawned)
    assert session["templateId"] == made
