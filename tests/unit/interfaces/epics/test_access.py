"""Who may put: guarded points are closed wherever anybody could put to the others."""

import pytest

from vigilia.interfaces.epics.access import without_open_puts
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.points import Kind, Point

SEL = Point("T1:Sel", Kind.ENUM, "T1", "sw-1", labels=("Off", "On"), writable=True)
DOSE = Point("R1:acid:Dose-SP", Kind.NUMBER, "R1:acid", "R1", writable=True, guarded=True)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, True),
        ({"interfaces": ["127.0.0.1", "192.0.2.5"]}, True),
        ({"writers": ["ana@192.0.2.9", "*"]}, True),
        ({"interfaces": ["127.0.0.1", "127.0.0.2"]}, False),
        ({"writers": ["192.0.2.9", "ana@192.0.2.9"]}, False),
        ({"writers": []}, False),
        ({"access_file": "site.acf"}, False),
    ],
)
def test_it_is_open_to_all_where_anybody_may_put_from_elsewhere(keys: dict[str, object], expected: bool) -> None:
    assert EpicsConfig.model_validate(keys).open_to_all is expected


def test_guarded_points_take_no_open_puts() -> None:
    sel, dose = without_open_puts([SEL, DOSE])
    assert sel is SEL
    assert (dose.name, dose.writable) == (DOSE.name, False)
