"""Simulated PVOperation API and Teams webhook: plants on a scripted day, the truth about it, and faults on request."""

from vigilia.sim.aruba.faults import FaultError
from vigilia.sim.pvoperation.api import Account, SimPvOperation
from vigilia.sim.pvoperation.cards import CardText, NoCardError, read_card
from vigilia.sim.pvoperation.clock import HeldClock
from vigilia.sim.pvoperation.control import Control
from vigilia.sim.pvoperation.dialect import Dialect, varied
from vigilia.sim.pvoperation.faults import API_FAULTS, TEAMS_FAULTS
from vigilia.sim.pvoperation.generate import generate
from vigilia.sim.pvoperation.script import Inverter, Outage, Plant, Relay, Script, Span, Trip, UnknownEquipmentError
from vigilia.sim.pvoperation.scriptfile import ScriptFileError, describe_script, read_script
from vigilia.sim.pvoperation.serving import RequestRecord
from vigilia.sim.pvoperation.teams import Card, TeamsSink
from vigilia.sim.pvoperation.truth import Alarm, truth

__all__ = [
    "API_FAULTS",
    "TEAMS_FAULTS",
    "Account",
    "Alarm",
    "Card",
    "CardText",
    "Control",
    "Dialect",
    "FaultError",
    "HeldClock",
    "Inverter",
    "NoCardError",
    "Outage",
    "Plant",
    "Relay",
    "RequestRecord",
    "Script",
    "ScriptFileError",
    "SimPvOperation",
    "Span",
    "TeamsSink",
    "Trip",
    "UnknownEquipmentError",
    "describe_script",
    "generate",
    "read_card",
    "read_script",
    "truth",
    "varied",
]
