"""The simulated PVOperation API: tokens, the list of plants, and the days of relays and inverters."""

import hmac
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Unpack, cast

from vigilia.clock import Clock
from vigilia.sim.aruba.rest import Answer
from vigilia.sim.pvoperation.days import Days, Kind
from vigilia.sim.pvoperation.dialect import Dialect, varied
from vigilia.sim.pvoperation.disturb import disturbed, faulty_answer, joined, json_answer
from vigilia.sim.pvoperation.faults import API_FAULTS, DATA_FAULTS, LIST_FAULTS, Fault, FaultOptions, Faults
from vigilia.sim.pvoperation.script import Script
from vigilia.sim.pvoperation.serving import Call, Serving
from vigilia.sim.pvoperation.truth import Alarm, truth

BASE_PATH = "/api/v1"
_MOST_TOKENS = 1000
_DAYS: Mapping[str, Kind] = {f"{BASE_PATH}/day_relay": "relay", f"{BASE_PATH}/day_inverter": "inverter"}


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in, and how others are refused."""

    username: str = "operacao@example.com"
    password: str = "sim-password"  # noqa: S105 - of a simulation
    refusal: Literal[401, 403] = 401


class SimPvOperation(Serving):
    """The PVOperation API on a socket: `async with SimPvOperation(script, clock) as api: … api.url`.

    `script` says what there is to read, up to the `clock`'s now. `token_life_s`: by the clock, None for no end.
    `is_varied`: every plant spells its records in another way. Counters of logins, tokens and requests are public.
    """

    name = "api"

    def __init__(  # noqa: PLR0913 - the options of a whole server, all by name
        self,
        script: Script,
        clock: Clock | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        account: Account | None = None,
        latency_s: float = 0.0,
        token_life_s: float | None = None,
        is_varied: bool = False,
    ) -> None:
        super().__init__(clock or Clock(), Faults(API_FAULTS), host, port, tls, latency_s)
        self.script = script
        self.account = account or Account()
        self.token_life_s = token_life_s
        self.logins = 0
        self.refused_logins = 0
        self.refused_tokens = 0
        self.counts = {"authenticate": 0, "plants": 0, "day_relay": 0, "day_inverter": 0}
        self._days = Days(script)
        self._tokens: dict[str, float] = {}
        if is_varied:
            for number, plant_id in enumerate(script.plants):
                self.speak(plant_id, varied(number))

    @property
    def url(self) -> str:
        """The base URL, as the service's configuration wants it."""
        return self.origin + BASE_PATH

    def speak(self, plant_id: int, dialect: Dialect) -> None:
        """Have a plant's records spelled like that from now on; raises UnknownEquipmentError."""
        self._days.speak(plant_id, dialect)

    def truth(self, dropped: frozenset[tuple[int, str, float]] = frozenset()) -> list[Alarm]:
        """What a perfect monitor has told by now; `dropped`: the failures whose notice was never sent."""
        return truth(self.script, self.clock.now(), dropped)

    async def inject(self, kind: str, **options: Unpack[FaultOptions]) -> Fault:
        """Put a fault in force; raises FaultError, and UnknownEquipmentError for a plant that is none."""
        for plant_id in options.get("plants") or ():
            self.script.plant(plant_id)
        fault = await super().inject(kind, **options)
        if kind == "expire":
            self._tokens.clear()
        return fault

    def plant_of(self, path: str, body: bytes) -> int | None:
        """The plant whose day a request asks for."""
        if path not in _DAYS:
            return None
        return _plant_id(_object(body))

    def answer(self, call: Call, fault: Fault | None) -> Answer:
        """The answer to a request."""
        name = call.path.removeprefix(BASE_PATH + "/")
        if call.path.startswith(BASE_PATH + "/") and name in self.counts:
            self.counts[name] += 1
        answer = None if fault is None else faulty_answer(fault, self.clock.now())
        if answer is not None:
            return answer
        wanted = {"authenticate": "POST", "plants": "GET", "day_relay": "POST", "day_inverter": "POST"}.get(name)
        if wanted is None or not call.path.startswith(BASE_PATH + "/"):
            return json_answer(404, {"message": f"Cannot {call.method} {call.path}"})
        if call.method != wanted:
            return json_answer(405, {"message": f"Method {call.method} not allowed"})
        if name == "authenticate":
            return self._authenticate(call)
        if not self._is_known(call):
            self.refused_tokens += 1
            return json_answer(401, {"message": "Token inválido ou expirado"})
        return self._plants(call) if name == "plants" else self._day(call, _DAYS[call.path])

    def _authenticate(self, call: Call) -> Answer:
        given = _object(call.body)
        username, password = str(given.get("username", "")), str(given.get("password", ""))
        is_right = hmac.compare_digest(username.encode(), self.account.username.encode())
        if not (hmac.compare_digest(password.encode(), self.account.password.encode()) and is_right):
            self.refused_logins += 1
            return json_answer(self.account.refusal, {"message": "Usuário ou senha inválidos"})
        self.logins += 1
        token = secrets.token_urlsafe(32)
        while len(self._tokens) >= _MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = self.clock.monotonic()
        return json_answer(200, {"token": token})

    def _is_known(self, call: Call) -> bool:
        now = self.clock.monotonic()
        if self.faults.take({"always-expired"}, call.path, None, now) is not None:
            return False
        issued = self._tokens.get(call.headers.get("x-access-token", ""))
        return issued is not None and (self.token_life_s is None or now < issued + self.token_life_s)

    def _plants(self, call: Call) -> Answer:
        plants = [*self.script.plants.values()]
        for fault in self.faults.take_all(LIST_FAULTS, call.path, None, self.clock.monotonic()):
            plants = [plant for plant in plants if fault.kind != "empty-plants" and plant.plant_id not in fault.plants]
        items = [{"id": plant.plant_id, "nome": plant.name, "capacidade": plant.capacity_kwp} for plant in plants]
        return json_answer(200, items)

    def _day(self, call: Call, kind: Kind) -> Answer:
        given = _object(call.body)
        plant = self.script.plants.get(_plant_id(given) or 0)
        try:
            day = date.fromisoformat(str(given.get("date")))
        except ValueError:
            day = None
        if plant is None or day is None:
            return json_answer(400, {"message": "Parâmetros inválidos: id e date são obrigatórios"})
        faults = self.faults.take_all(DATA_FAULTS, call.path, plant.plant_id, self.clock.monotonic())
        now = self.clock.now()
        if not faults:
            return Answer(200, self._days.answer(plant, kind, day, now))
        return Answer(200, joined(disturbed(faults, self._days.records(plant, kind, day, now), day, now)))


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}


def _plant_id(given: dict[str, Any]) -> int | None:
    text = str(given.get("id"))
    return int(text) if text.isdecimal() and len(text) < 19 else None
