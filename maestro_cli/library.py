"""Templates, skills and keys as lines: cells of their lists, and the parts of one."""

from maestro_cli.texts import line

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from maestro_cli.texts import Page

    Document = dict[str, object]
    Shown = tuple[list[tuple[str, str]], list[tuple[str, object]]]


def template_cells(template: "Document", page: "Page") -> list[str]:
    """A row of the list."""
    return [
        page.short(template.get("id")),
        line(template.get("role")),
        "yes" if template.get("isDefault") is True else "",
        page.when(template.get("updatedAt")) if template.get("version") else "as shipped",
        line(template.get("name")),
    ]


def template(found: "Document", page: "Page") -> "Shown":
    """One with its text."""
    pairs = [
        ("id", line(found.get("id"))),
        ("role", line(found.get("role"))),
        ("default", "yes" if found.get("isDefault") is True else ""),
        ("changed", page.when(found.get("updatedAt"))),
        ("version", line(found.get("version")) if found.get("version") else "as shipped"),
    ]
    return pairs, [("content", found.get("content"))]


def key_cells(key: "Document", page: "Page") -> list[str]:
    """A row of the list."""
    scopes, projects, until = key.get("scopes"), key.get("projectIds"), key.get("expiresAt")
    return [
        page.short(key.get("id")),
        f"{line(key.get('prefix'))}…",
        ",".join(map(line, scopes)) if isinstance(scopes, list) else "",
        ",".join(page.short(id_) for id_ in projects) if isinstance(projects, list) and projects else "all",
        page.when(until) or "never",
        page.when(key.get("lastUsedAt")) or "never",
        line(key.get("name")),
    ]


def secret(found: "Document", _page: "Page") -> list[str]:
    """A key that was made or rotated; its secret is shown this once."""
    told = line(found.get("secret"))
    shown = told or "was shown when this was first asked; `maestro key rotate` makes another"
    return [f"key {line(found.get('id'))}  {line(found.get('name'))}", f"secret  {shown}"]


def skill_cells(found: "Document", _page: "Page") -> list[str]:
    """A row of the list."""
    return [line(found.get("name")), line(found.get("scope")), line(found.get("description"))]


def skill(found: "Document", _page: "Page") -> "Shown":
    """One with its instructions."""
    pairs = [(name, line(found.get(name))) for name in ("description", "scope", "path", "form")]
    return pairs, [("instructions", found.get("instructions"))]


def placeholder_cells(found: "Document", _page: "Page") -> list[str]:
    """A row of the list."""
    return [f"{{{{{line(found.get('name'))}}}}}", line(found.get("about"))]
