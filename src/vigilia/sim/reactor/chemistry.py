"""The chemistry and physics that a simulated vessel follows: pure functions, good enough to control by.

They are textbook approximations, so that every part answers in the right direction and at a believable size.
"""

import math

ABSOLUTE_ZERO_C = -273.15
SEA_LEVEL_KPA = 101.325
_WATER = 1e-14
_BUFFER = 1e-7
"""The dissociation constant of the buffer in the water: it holds best at pH 7."""


def strong_ions(ph: float, buffer_mmol_l: float) -> float:
    """Return the strong base (below 0: strong acid) that gives water with that buffer this pH, mmol/l."""
    hydrogen = 10.0**-ph
    taken = buffer_mmol_l * _BUFFER / (_BUFFER + hydrogen)
    return (_WATER / hydrogen - hydrogen) * 1000 + taken


def ph_of(strong_mmol_l: float, buffer_mmol_l: float) -> float:
    """Return the pH of water with that much strong base over strong acid: the inverse of `strong_ions`."""
    low, high = -1.0, 15.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if strong_ions(middle, buffer_mmol_l) < strong_mmol_l:
            low = middle
        else:
            high = middle
    return min(14.0, max(0.0, (low + high) / 2))


def nernst_mv(temperature_c: float) -> float:
    """Return what one pH is worth at an ideal glass electrode, mV."""
    return 0.198_42 * (temperature_c - ABSOLUTE_ZERO_C)


def conductivity_factor(temperature_c: float) -> float:
    """Return how much more water conducts at this temperature than at 25 °C."""
    return max(0.1, 1 + 0.02 * (temperature_c - 25))


def oxygen_saturation(temperature_c: float, salinity_ppt: float = 0.0, pressure_kpa: float = SEA_LEVEL_KPA) -> float:
    """Return the oxygen that water in air holds, mg/l (Weiss 1970, in ml/l, times 1.429)."""
    kelvin = (min(60.0, max(0.0, temperature_c)) - ABSOLUTE_ZERO_C) / 100
    fresh = -173.4292 + 249.6339 / kelvin + 143.3483 * math.log(kelvin) - 21.8492 * kelvin
    salt = salinity_ppt * (-0.033096 + 0.014259 * kelvin - 0.0017 * kelvin**2)
    return 1.429 * math.exp(fresh + salt) * pressure_kpa / SEA_LEVEL_KPA


def dew_point(temperature_c: float, humidity_percent: float) -> float:
    """Return the temperature at which air of this humidity would drip, °C (Magnus)."""
    gamma = math.log(max(0.1, humidity_percent) / 100) + 17.62 * temperature_c / (243.12 + temperature_c)
    return 243.12 * gamma / (17.62 - gamma)
