"""Files as an admin imports them, and reports as they come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from tests.world import Organization, Person

Cells = Mapping[str, object]


@dataclass(frozen=True)
class Report:
    """What became of the rows of one import."""

    said: Mapping[str, Any]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """(inserted, updated, unchanged, refused)."""
        return (
            self.said["inserted"],
            self.said["updated"],
            self.said["unchanged"],
            self.said["refused"],
        )

    @property
    def errors(self) -> set[tuple[int, str]]:
        """(row, field) of everything that refused a row."""
        return {(told["row"], told["field"]) for told in self.said["errors"]}

    @property
    def notes(self) -> set[tuple[int, str]]:
        """(row, field) of everything that was left out of a row."""
        return {(told["row"], told["field"]) for told in self.said["notes"]}


@dataclass(frozen=True)
class Importer:
    """An admin with files."""

    organization: Organization
    admin: Person

    def __call__(self, entity: str, rows: Sequence[object], *, dry_run: bool = False) -> Report:
        """The rows, as rpc/import_rows takes them."""
        with self.organization.world.acting_as(self.admin) as db:
            return Report(
                db.value(
                    "select api.import_rows(%s, %s, %s, %s)",
                    entity,
                    Jsonb(rows),
                    dry_run,
                    self.organization.id,
                )
            )

    def known(self, entity: str, external_id: str) -> Any:
        """The row that a row of a file has become."""
        return self.organization.world.value(
            "select k.row_id from app.import_keys as k where k.organization_id = %s"
            " and k.entity = %s and k.external_id = %s",
            self.organization.id,
            entity,
            external_id,
        )


def importer(organization: Organization) -> Importer:
    """A new admin of the organization, with files."""
    return Importer(organization, organization.admin())
