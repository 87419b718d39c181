"""What a reactor's part needs to be calibrated, by the kind that its agent declares."""

from vigilia.calibration import CalibrationItem, CalibrationStep, Tolerance, steadiness
from vigilia.drivers.reactor.inventory import Inventory
from vigilia.drivers.reactor.recent import Recent
from vigilia.errors import UnknownPart, printable
from vigilia.language import tr
from vigilia.points import shorten
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

PUMP = "ezo-pmp"
_LARGEST_DOSE_ML = 100_000.0


def calibration_of(inventory: Inventory, name: str, recent: Recent, now: float) -> CalibrationItem:
    """Return all that is needed to calibrate the part of that name; its readings are kept from now on.

    Raises UnknownPart where there is none, or none that is calibrated.
    """
    part = next((part for part in inventory.parts if part.name == name), None)
    command = inventory.commands.get((name, "Calibrate"))
    if part is None or command is None:
        raise UnknownPart(
            f"{inventory.reactor} has no part {shorten(name)} that is calibrated: those that are have a Calibrate-Cmd"
        )
    reading, steps, tolerance = _known(part)
    point = inventory.readings.get((name, reading))
    reading_name = point.name if point else ""
    if reading_name:
        recent.want(reading_name, now)
    probe = part.kind != PUMP
    return CalibrationItem(
        reactor=inventory.reactor,
        part=name,
        title=printable(part.title) or name,
        kind=printable(part.kind),
        command=command.point.name,
        state=_point(inventory, name, "Calibration"),
        calibrating=_point(inventory, name, "Calibrating"),
        reading=reading_name,
        begin="begin" if probe else "",
        end="end" if probe else "",
        clear="clear",
        steps=steps,
        tolerance=tolerance,
        steadiness=steadiness(recent.of(reading_name, now), tolerance, now),
    )


def _known(part: wire.Part) -> tuple[str, tuple[CalibrationStep, ...], Tolerance | None]:
    """Return the parameter that is calibrated, the steps, and when a reading has settled; empty of a strange kind."""
    from vigilia.agent.sensors.kinds import EZO_KINDS  # the agent's side of sensors: only where somebody calibrates

    if part.kind == PUMP:
        text = tr("Have it give a dose into a measuring cylinder, and say what that truly was, ml.")
        return "", (CalibrationStep("volume", "{value}", text, (0.01, _LARGEST_DOSE_ML)),), None
    kind = EZO_KINDS.get(part.kind)
    if kind is None:
        return "", (), None
    first = kind.steps[0].name
    steps = tuple(
        CalibrationStep(
            step.name,
            step.name if step.limits is None else f"{step.name},{{value}}",
            tr(step.instruction),
            step.limits,
            step.usual,
            first if step.points_before else "",
        )
        for step in kind.steps
    )
    return kind.calibrated.parameter, steps, Tolerance(kind.settles_within, kind.settles_relative)


def _point(inventory: Inventory, part: str, parameter: str) -> str:
    found = inventory.readings.get((part, parameter))
    return found.name if found else ""
