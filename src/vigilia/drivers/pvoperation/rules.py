"""The alarm rules of photovoltaic plants, as data: relays, inverters, silence, and the account itself."""

from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.records import CLASSES
from vigilia.points import Severity
from vigilia.rules import Rule

INVERTER_FAILURE = "inverter-failure"
STALE_AFTER_S = 2700.0
RELAYS_STALE_AFTER_S = 3600.0
"""Later than the plant as a whole: where all is silent, that is told and not this besides."""
SCAN_S = 60.0
"""What a scan may take: the account is down when the third scan in a row has failed."""
SYSTEM = "pvoperation"


def relay_rule_name(class_name: str) -> str:
    """Return the name of the rule of one class of relay alarms."""
    return f"relay-{class_name.lower()}"


def rules_of(config: PvOperationConfig, instance: str) -> tuple[Rule, ...]:
    """Return every rule the driver declares; `instance` begins the names of the service's own points."""
    relays = (
        Rule(
            relay_rule_name(flags.name),
            (f"*:Relay-*:{flags.name}-Sts",),
            SYSTEM,
            flags.severity,
            states=frozenset(("Active",)),
            title="Relay failure",
            cleared_title="Relay back to normal",
            about_area=True,
            label=flags.label,
            family="Relay alarms",
            log="rele",
            mark="[RELE] Falha",
            cleared_mark="[RELE] Normalizacao",
        )
        for flags in CLASSES
    )
    inverters = Rule(
        INVERTER_FAILURE,
        ("*:Inverter-*:Pac-Mon",),
        SYSTEM,
        Severity.MAJOR,
        low=0.0,
        on_count=config.failure_readings,
        off_count=config.recovery_readings,
        most_gap=2.0,
        held_under_suppression=True,
        title="Inverter failure",
        cleared_title="Inverter back to normal",
        about_area=True,
        family="Inverter alarms",
        log="inversor",
        mark="[ALERTA INVERSOR]",
        cleared_mark="[RECUPERACAO INVERSOR]",
    )
    stale, stale_relays = (
        Rule(
            name,
            (point,),
            SYSTEM,
            Severity.MINOR,
            stale_s=stale_s,
            held_under_suppression=True,  # what an account that is down kept away is asked for first when it is back
            outage=False,
            title="Stale data",
            cleared_title="Data restored",
            about_area=True,
            family="Data alarms",
            log=log,
            mark="[DADOS] Desatualizados",
            cleared_mark="[DADOS] Restabelecidos",
        )
        for name, point, stale_s, log in (
            ("stale-data", "*:LastRecord-Mon", STALE_AFTER_S, "inversor"),
            ("stale-relay-data", "*:LastRelayRecord-Mon", RELAYS_STALE_AFTER_S, "rele"),
        )
    )
    account = Rule(
        "pv-api-down",
        (f"{instance}:{SYSTEM}:LastScan-Mon",),
        SYSTEM,
        Severity.MAJOR,
        stale_s=2 * max(config.relay_interval_s, config.inverter_interval_s) + SCAN_S,
        outage=False,
        title="PVOperation API unavailable",
        cleared_title="PVOperation API restored",
        about_area=True,
        family="Data alarms",
        mark="[PVOP] Falha",
        cleared_mark="[PVOP] Normalizacao",
    )
    return (*relays, inverters, stale, stale_relays, account)
