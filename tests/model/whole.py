"""All of the reference: templates and keys beside the works."""

from dataclasses import dataclass, field
from typing import Any

from maestrod.domain.templates import SHIPPED
from tests.model.proving import Prover
from tests.model.reference import _sent
from tests.model.things import Key, No, Template, line, said

HOUR = 3_600_000


@dataclass
class Whole(Prover):
    """Everything there is. ``templates`` are those that are stored."""

    templates: dict[str, Template] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)

    # -- templates -------------------------------------------------------------------------------

    def template(self, id_: str) -> Template:
        """As it is stored, else a copy of what is shipped: the default where no other is."""
        if id_ in self.templates:
            return self.templates[id_]
        if id_ not in SHIPPED:
            raise No("NotFound")
        made = SHIPPED[id_]
        return Template(id_, made.name, made.role.value, made.content, not self._defaults(made.role.value))

    def _defaults(self, role: str, but: str = "") -> list[Template]:
        return [t for t in self.templates.values() if t.role == role and t.default and t.id != but]

    def _shipped(self, role: str) -> str:
        return next(id_ for id_, made in SHIPPED.items() if made.role.value == role)

    def create_template(self, c: Any) -> None:
        line(c.name)
        said(c.content)
        made = Template(self.new("template"), c.name, c.role.value, c.content, c.is_default)
        self.templates[made.id] = made
        if made.default:
            self._only(made)

    def _only(self, new: Template) -> None:
        for other in self._defaults(new.role, new.id):
            other.default = False

    def _default_again(self, role: str) -> None:
        edited = self.templates.get(self._shipped(role))
        if edited is not None:
            edited.default = True

    def edit_template(self, c: Any) -> None:
        old = self.template(c.template_id)
        line(c.name)
        if _sent(c.content):
            said(c.content)
        name = c.name if _sent(c.name) else old.name
        content = c.content if _sent(c.content) else old.content
        default = c.is_default if _sent(c.is_default) else old.default
        if (name, content, default) == (old.name, old.content, old.default):
            return
        if old.default and not default and old.id in SHIPPED:
            raise No("Conflict")
        was = old.default
        old.name, old.content, old.default = name, content, default
        self.templates[old.id] = old
        if default and not was:
            self._only(old)
        if was and not default:
            self._default_again(old.role)

    def delete_template(self, c: Any) -> None:
        old = self.template(c.template_id)
        if old.id in SHIPPED:
            raise No("Conflict")
        del self.templates[old.id]
        if old.default:
            self._default_again(old.role)

    def reset_template(self, c: Any) -> None:
        old = self.template(c.template_id)
        if old.id in SHIPPED:
            self.templates.pop(old.id, None)
        else:
            old.content = SHIPPED[self._shipped(old.role)].content

    # -- keys ------------------------------------------------------------------------------------

    def key(self, id_: str) -> Key:
        if id_ not in self.keys:
            raise No("NotFound")
        return self.keys[id_]

    def _fresh(self, digest: str) -> None:
        if any(key.hash == digest for key in self.keys.values()):
            raise No("Invalid")

    def create_key(self, c: Any) -> None:
        line(c.name)
        self._fresh(c.hash)
        if not c.scopes:
            raise No("Invalid")
        tied = [self.project(id_).id for id_ in dict.fromkeys(c.project_ids)]
        made = Key(self.new("key"), c.name, c.hash, sorted(s.value for s in c.scopes), tied)
        self.keys[made.id] = made

    def rotate_key(self, c: Any) -> None:
        key = self.key(c.key_id)
        self._fresh(c.hash)
        key.hash = c.hash

    def revoke_key(self, c: Any) -> None:
        del self.keys[self.key(c.key_id).id]

    def use_key(self, c: Any) -> None:
        key = self.key(c.key_id)
        if key.used is None or self.now - key.used >= HOUR:
            key.used = self.now

    def delete_project(self, c: Any) -> None:
        super().delete_project(c)
        for key in [key for key in self.keys.values() if c.project_id in key.projects]:
            key.projects.remove(c.project_id)
            if not key.projects:
                del self.keys[key.id]
