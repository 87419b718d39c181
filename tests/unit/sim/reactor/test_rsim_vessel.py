"""The vessel: it answers in the right direction, at a believable size, however its time is cut."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.reactor.chemistry import dew_point, oxygen_saturation, ph_of, strong_ions
from vigilia.sim.reactor.vessel import Vessel


@given(ph=st.floats(1, 13), buffer=st.floats(0, 50))
def test_ph_is_the_inverse_of_what_gives_it(ph: float, buffer: float) -> None:
    assert ph_of(strong_ions(ph, buffer), buffer) == pytest.approx(ph, abs=1e-5)


@pytest.mark.parametrize(("celsius", "mg_l"), [(0, 14.6), (10, 11.3), (20, 9.1), (25, 8.26), (30, 7.56)])
def test_oxygen_saturation_is_that_of_tables(celsius: float, mg_l: float) -> None:
    assert oxygen_saturation(celsius) == pytest.approx(mg_l, abs=0.06)


def test_salt_and_height_hold_less_oxygen() -> None:
    assert oxygen_saturation(20, 35) == pytest.approx(7.4, abs=0.1)
    assert oxygen_saturation(20, 0, 80) < oxygen_saturation(20)


def test_dew_point_is_that_of_tables() -> None:
    assert dew_point(25, 50) == pytest.approx(13.9, abs=0.1)
    assert dew_point(25, 100) == pytest.approx(25)


def test_a_dose_spreads_with_time() -> None:
    vessel = Vessel(drift_mmol_l_h=0, mixing_s=20)
    vessel.ph = 7.0
    whole = Vessel(drift_mmol_l_h=0, mixing_s=0.001)
    whole.ph = 7.0
    for each in (vessel, whole):
        each.dose("acid", 5)
    whole.advance(1)
    before = vessel.strong_mmol_l
    assert vessel.ph == pytest.approx(7.0, abs=1e-5)
    vessel.advance(20)
    assert vessel.strong_mmol_l - before == pytest.approx((1 - math.exp(-1)) * (whole.strong_mmol_l - before))
    vessel.advance(400)
    assert vessel.ph == pytest.approx(whole.ph, abs=1e-4)
    assert whole.ph < 6.7


def test_a_buffer_holds() -> None:
    falls: list[float] = []
    for buffer in (1.0, 10.0):
        vessel = Vessel(buffer_mmol_l=buffer, mixing_s=0.001, drift_mmol_l_h=0)
        vessel.ph = 7.0
        vessel.dose("acid", 2)
        vessel.advance(1)
        falls.append(7.0 - vessel.ph)
    assert falls[1] < falls[0] / 5


def test_acid_lowers_base_raises_nutrient_conducts() -> None:
    vessel = Vessel(mixing_s=0.001, drift_mmol_l_h=0)
    before = vessel.describe()
    vessel.dose("base", 3)
    vessel.dose("nutrient", 3)
    vessel.advance(1)
    after = vessel.describe()
    assert after["ph"] > before["ph"]
    assert after["ec25_us"] - before["ec25_us"] == pytest.approx(120)
    assert after["orp_mv"] < before["orp_mv"]
    vessel.dose("acid", -5)
    vessel.advance(1)
    assert vessel.ph == pytest.approx(after["ph"], abs=1e-4), "nothing is sucked out"


def test_heat_is_first_order() -> None:
    vessel = Vessel(temperature_c=22.0, ambient_c=22.0, heater_w=100, loss_w_per_k=4, volume_l=10)
    vessel.heater = 0.6
    lag_s = 10 * 4186 / 4
    vessel.advance(lag_s)
    assert vessel.temperature_c == pytest.approx(22 + 15 * (1 - math.exp(-1)))
    vessel.advance(20 * lag_s)
    assert vessel.temperature_c == pytest.approx(37)
    vessel.heater = 0.0
    vessel.advance(20 * lag_s)
    assert vessel.temperature_c == pytest.approx(22)


def test_oxygen_falls_with_warmth_and_rises_with_air() -> None:
    levels: list[float] = []
    for celsius, aerator in ((15.0, 0.0), (35.0, 0.0), (35.0, 1.0)):
        vessel = Vessel(temperature_c=celsius, ambient_c=celsius)
        vessel.aerator = aerator
        vessel.advance(86_400)
        levels.append(vessel.oxygen_mg_l)
    assert levels[1] < levels[2] < levels[0]


def test_life_in_the_water_drifts() -> None:
    vessel = Vessel(drift_mmol_l_h=0.1)
    vessel.ph = 7.0
    vessel.advance(5 * 3600)
    assert vessel.ph > 7.2


@given(first=st.floats(0, 5000), second=st.floats(0, 5000), duty=st.floats(0, 1), ml=st.floats(0, 20))
def test_time_may_be_cut_anywhere(first: float, second: float, duty: float, ml: float) -> None:
    once, twice = Vessel(), Vessel()
    for vessel in (once, twice):
        vessel.heater = duty
        vessel.dose("acid", ml)
        vessel.dose("nutrient", ml)
    once.advance(first + second)
    twice.advance(first)
    twice.advance(second)
    assert twice.temperature_c == pytest.approx(once.temperature_c)
    assert twice.ec25_us == pytest.approx(once.ec25_us)
    assert twice.strong_mmol_l == pytest.approx(once.strong_mmol_l, abs=1e-9)
    assert twice.oxygen_mg_l == pytest.approx(once.oxygen_mg_l, abs=0.02)
