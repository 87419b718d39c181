"""The alarm rules of reactors, as data, and the points that the service keeps of each for them."""

from typing import Any

from vigilia.drivers.reactor.inventory import COMM, COMM_LABELS
from vigilia.language import tr
from vigilia.points import Kind, Point, Severity
from vigilia.rules import Rule

SYSTEM = "reactor"
CONTACT_LABELS = ("Disconnected", "Connected")
RESTART_LABELS = ("Normal", "Restarted")
SAFE = "Safe"
RECENT_S = 600.0
"""How long a restart, and samples that were dropped, are shown: clock seconds."""
CONTACT_LOST_S = 10.0
"""Added to the silence that it takes to be lost: an agent that is restarted is back sooner."""
COMM_LOST_S = 10.0


class ReactorPoints:
    """What the service itself says of one reactor. Its loss suppresses the alarms of all that is read through it."""

    def __init__(self, instance: str, reactor: str) -> None:
        device = f"{instance}:{reactor}"

        def point(suffix: str, kind: Kind, title: str, **more: Any) -> Point:
            return Point(
                f"{device}:{suffix}",
                kind,
                device,
                description=f"{tr(title)}: {reactor}",
                area=reactor,
                equipment=reactor,
                **more,
            )

        self.connected = point("Connected-Sts", Kind.ENUM, "Contact", labels=CONTACT_LABELS, covers=f"link:{reactor}")
        self.since = point("Since-Mon", Kind.TEXT, "In this state of contact since")
        self.error = point("Error-Mon", Kind.TEXT, "Last error", long_text=True)
        under = (f"link:{reactor}",)
        self.restarted = point("Restarted-Sts", Kind.ENUM, "Restarted lately", labels=RESTART_LABELS, under=under)
        self.waiting = point("SamplesWaiting-Mon", Kind.INTEGER, "Samples on its disk", under=under)
        self.oldest = point(
            "OldestSample-Mon", Kind.NUMBER, "Age of its oldest sample", units="s", precision=0, under=under
        )
        self.dropped = point("SamplesDropped-Mon", Kind.INTEGER, "Samples lost lately", under=under)
        self.all = (self.connected, self.since, self.error, self.restarted, self.waiting, self.oldest, self.dropped)


def rules_of(instance: str) -> tuple[Rule, ...]:
    """Return every rule the driver declares; `instance` begins the names of the service's own points."""
    return (
        Rule(
            "reactor-lost",
            (f"{instance}:*:Connected-Sts",),
            SYSTEM,
            states=frozenset(CONTACT_LABELS[:1]),
            on_delay_s=CONTACT_LOST_S,
            title="Reactor without contact",
            cleared_title="Reactor back in contact",
            about_area=True,
            family="Reactors without contact",
            mark="[REATOR] Sem contato",
            cleared_mark="[REATOR] Contato restabelecido",
            own_points=True,
        ),
        Rule(
            "reactor-restarted",
            (f"{instance}:*:Restarted-Sts",),
            SYSTEM,
            severity=Severity.MINOR,
            states=frozenset(RESTART_LABELS[1:]),
            title="Reactor's agent restarted",
            cleared_title="Reactor's agent runs on",
            about_area=True,
            family="Agent restarts",
            outage=False,
            mark="[REATOR] Reinicio",
            cleared_mark="[REATOR] Normalizacao",
            own_points=True,
        ),
        Rule(
            "reactor-samples-dropped",
            (f"{instance}:*:SamplesDropped-Mon",),
            SYSTEM,
            high=1.0,
            title="Samples lost on a reactor",
            cleared_title="No more samples lost",
            about_area=True,
            family="Data alarms",
            outage=False,
            mark="[REATOR] Amostras perdidas",
            cleared_mark="[REATOR] Normalizacao",
            own_points=True,
        ),
        Rule(
            "reactor-output-safe",
            (f"*:*:{SAFE}-Sts",),
            SYSTEM,
            states=frozenset((SAFE,)),
            title="Output fell to safe",
            cleared_title="Output resumed",
            label="Output safe",
            family="Outputs in safe state",
            mark="[REATOR] Saida em seguranca",
            cleared_mark="[REATOR] Normalizacao",
            own_points=True,
        ),
        Rule(
            "reactor-comm",
            (f"*:*:{COMM}-Sts",),
            SYSTEM,
            states=frozenset(COMM_LABELS[1:]),
            on_delay_s=COMM_LOST_S,
            title="No contact with a sensor or actuator",
            cleared_title="Sensor or actuator back",
            label="Bus error",
            family="Sensors without contact",
            mark="[REATOR] Falha de barramento",
            cleared_mark="[REATOR] Normalizacao",
            own_points=True,
        ),
    )
