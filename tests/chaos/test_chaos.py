"""Nothing acknowledged is lost and nothing counts twice, whoever is killed meanwhile."""

from pathlib import Path

from tests.chaos.ordeal import Ordeal
from tests.chaos.stack import VICTIMS, Stack


def test_every_acknowledged_delivery_is_there_once_after_every_kind_of_kill(
    tmp_path: Path,
) -> None:
    with Stack(tmp_path).running() as stack:
        report = Ordeal(stack, seed=1).run(VICTIMS)
    assert set(report.kills) == set(VICTIMS)
    assert report.acknowledged > 40
    assert (report.lost, report.duplicates, report.wrong) == (0, 0, ())
