"""What a sensor that is an EZO circuit declares, made from its kind."""

from vigilia.agent.parts import Access, Parameter
from vigilia.agent.sensors.calibration import usage
from vigilia.agent.sensors.config import ADDRESSES
from vigilia.agent.sensors.kinds import EzoKind
from vigilia.points import Kind


def ezo_parameters(kind: EzoKind, *, addressed: bool) -> list[Parameter]:
    """Return what a sensor of a kind declares of its own."""
    reading, setting, command = Access.READING, Access.SETTING, Access.COMMAND
    parameters = [
        Parameter(
            quantity.parameter,
            Kind.NUMBER,
            reading,
            quantity.units,
            precision=quantity.precision,
            description=quantity.description,
            sampled=True,
        )
        for quantity in kind.quantities
    ]
    parameters += [
        Parameter(
            kept.parameter, Kind.NUMBER, setting, kept.units, kept.limits, precision=2, description=kept.description
        )
        for kept in kind.kept
    ]
    if kind.selectable:
        text = f"What a reading consists of: some of {','.join(kind.selectable)}"
        parameters.append(Parameter("Outputs", Kind.TEXT, setting, description=text))
    if addressed:
        low, high = ADDRESSES
        parameters.append(
            Parameter("Address", Kind.INTEGER, setting, limits=(low, high), description="Its address on the I2C bus")
        )
    return [
        *parameters,
        Parameter("Calibrate", Kind.TEXT, command, description=f"A step of its calibration: {usage(kind)}"),
        Parameter("Find", Kind.BOOLEAN, command, description="Have its light blink", takes_value=False),
        Parameter("Calibration", Kind.TEXT, reading, description="Points calibrated, and the slope", sampled=True),
        Parameter(
            "Calibrating",
            Kind.BOOLEAN,
            reading,
            labels=("No", "Yes"),
            description="Whether it is being calibrated: what depends on it holds",
        ),
        Parameter("Export", Kind.TEXT, reading, description="Its calibration as the circuit exports it", sampled=True),
        Parameter("Voltage", Kind.NUMBER, reading, "V", precision=2, description="Supply of the circuit"),
        Parameter("Restart", Kind.TEXT, reading, description="Why the circuit started last", sampled=True),
    ]
