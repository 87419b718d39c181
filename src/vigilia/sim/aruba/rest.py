"""ArubaOS-Switch REST as the devices speak it: a request in, an answer out.

Pure: no sockets, no waiting. Source: the HPE ArubaOS-Switch REST API, as the site's devices show it (v1 to v8).
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from vigilia.sim.aruba.faults import Fault, Faults
from vigilia.sim.aruba.model import PRIORITIES, SwitchModel, UnknownPortError, collection_result, encode
from vigilia.sim.aruba.sessions import Sessions

HIGHEST_VERSION = 8
PLEASE_LOGIN = b"<html><head><title>Login</title></head><body><h1>Please login</h1></body></html>"
HUGE_BYTES = 10_000_000

# Minor versions beside N.0 that firmware 16.08 offers.
_MINOR_VERSIONS = {2: ("v2.0", "v2.1"), 3: ("v3.0", "v3.1")}
_VERSIONED = re.compile(r"/rest/(v(\d)(?:\.\d)?)/(.+)")
_CLI_POE = re.compile(r"(no )?interface (\S+) power-over-ethernet")


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a switch's firmware offers and how it is set up. Without `username` REST is anonymous.

    `versions`: offered REST versions; `collection`: has `poe/ports/stats`; `put`: has the settings objects
    (`poe/ports`, `ports/{id}/poe`), else only the CLI writes; `login_refusal`: how a request without a session is
    answered; `version_needs_session`: whether `/rest/version` is, too; `stacked`: several switches that act as one.
    """

    username: str | None = None
    password: str | None = None
    versions: frozenset[int] = frozenset(range(1, 8))
    collection: bool = True
    put: bool = True
    login_refusal: Literal["401", "html"] = "401"
    version_needs_session: bool = False
    stacked: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for versions that no switch has, or a user without a password."""
        if not self.versions or not self.versions <= set(range(1, HIGHEST_VERSION + 1)):
            raise ValueError(f"versions are {sorted(self.versions)}: give at least one, from 1 to {HIGHEST_VERSION}")
        if (self.username is None) != (self.password is None):
            raise ValueError("give both username and password, or neither for anonymous REST")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read. `path` is percent-decoded and has no query."""

    method: str
    path: str
    cookie: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def message(status: int, text: str) -> Answer:
    """An error answer as the devices give it."""
    return Answer(status, encode({"message": text}))


def faulty_answer(fault: Fault, path: str, scheme: str) -> Answer | None:
    """What a fault has a request answered with, or None if the switch answers for itself."""
    match fault.kind:
        case "500":
            return message(500, "Internal server error")
        case "503":
            return message(503, "Service unavailable")
        case "garbage":
            return Answer(200, b'{"port_poe_stats":[{"port_id":"1",\x00\xff<<')
        case "wrong-shape":
            return Answer(200, encode({"port_poe_stats": {"1": "PPDS_DELIVERING"}, "port_id": ["1"], "cookie": 5}))
        case "html400":
            return Answer(400, PLEASE_LOGIN, "text/html")
        case "huge":
            return Answer(200, b'{"padding":"' + b"x" * HUGE_BYTES + b'"}')
        case "redirect":
            location = fault.location or ""
            target = location if "://" in location else f"{scheme}://{location}{path}"
            return Answer(302, headers=(("Location", target),))
        case _:
            return None


class Rest:
    """The REST service of one switch."""

    def __init__(self, firmware: Firmware, model: SwitchModel, sessions: Sessions, faults: Faults) -> None:
        self.firmware = firmware
        self._model = model
        self._sessions = sessions
        self._faults = faults
        self._booting = (0.0, 0.0)
        port = r"ports/(.+)/poe"
        self._resources: list[tuple[re.Pattern[str], Mapping[str, Callable[[Call, str, float], Answer]]]] = []
        self._offer(r"login-sessions()", POST=self._log_in, DELETE=self._log_out)
        if firmware.collection:
            self._offer(r"poe/ports/stats()", GET=self._all_stats)
        self._offer(port + "/stats", GET=self._stats)
        if firmware.put:
            self._offer(r"poe/ports()", GET=self._all_settings)
            self._offer(port, GET=self._settings, PUT=self._put_settings)
        self._offer(r"cli()", POST=self._run_cli)
        self._offer(r"system/status/global()" if firmware.stacked else r"system/status()", GET=self._status)

    def boot(self, up_at: float, ready_at: float) -> None:
        """From `up_at` to `ready_at` answer some services before others, as a booting switch does."""
        self._booting = (up_at, ready_at)

    def answer(self, call: Call, now: float) -> Answer:
        """Carry a request out."""
        if call.path == "/rest/version":
            return self._not_yet(call.path, now) or self._list_versions(call, now)
        parts = _VERSIONED.fullmatch(call.path)
        if parts is None or parts[1] not in self._version_names(int(parts[2])) | {f"v{parts[2]}"}:
            return message(404, f"Not found: {call.path}")
        if int(parts[2]) not in self.firmware.versions:
            return message(404, f"REST version {parts[1]} is not supported")
        early = self._not_yet(parts[3], now)
        if early is not None:
            return early
        login = parts[3] == "login-sessions" and call.method == "POST"
        if not login and not self._has_session(call, now):
            return self._refuse_session()
        return self._dispatch(call, parts[3], now)

    def _offer(self, pattern: str, **methods: Callable[[Call, str, float], Answer]) -> None:
        self._resources.append((re.compile(pattern), methods))

    def _dispatch(self, call: Call, resource: str, now: float) -> Answer:
        for pattern, methods in self._resources:
            found = pattern.fullmatch(resource)
            if found is None:
                continue
            if call.method not in methods:
                return message(405, f"Method {call.method} is not allowed for {resource}")
            try:
                return methods[call.method](call, found[1], now)
            except UnknownPortError as error:
                return message(404, str(error))
        return message(404, f"Not found: {resource}")

    def _not_yet(self, resource: str, now: float) -> Answer | None:
        """The refusal of a service that has not started yet: version and login come up first, PoE last."""
        up_at, ready_at = self._booting
        if now >= ready_at:
            return None
        progress = (now - up_at) / (ready_at - up_at) if ready_at > up_at else 1.0
        if progress < 0.25:
            return message(503, "The system is starting")
        if resource in ("/rest/version", "login-sessions"):
            return None
        if progress < 0.6:
            return message(404, f"Not found: {resource}")
        return message(503, "The PoE subsystem is starting")

    # Sessions

    def _session_id(self, call: Call) -> str:
        for part in call.cookie.split(";"):
            name, _, value = part.strip().partition("=")
            if name == "sessionId":
                return value
        return ""

    def _has_session(self, call: Call, now: float) -> bool:
        return self.firmware.username is None or self._sessions.use(self._session_id(call), now)

    def _refuse_session(self) -> Answer:
        if self.firmware.login_refusal == "html":
            return Answer(400, PLEASE_LOGIN, "text/html")
        return message(401, "Authorization required")

    def _log_in(self, call: Call, _port: str, now: float) -> Answer:
        if self._faults.take({"session-full"}, call.method, call.path, now) is not None:
            return message(503, "Maximum number of REST sessions reached")
        given = _json_object(call.body)
        if given is None or not isinstance(given.get("userName"), str) or not isinstance(given.get("password"), str):
            return message(400, "Give userName and password")
        expected = (self.firmware.username, self.firmware.password)
        if self.firmware.username is not None and not _same((given["userName"], given["password"]), expected):
            return message(401, "Unauthorized access")
        session = self._sessions.open(now)
        if session is None:
            return message(503, "Maximum number of REST sessions reached")
        cookie = f"sessionId={session}"
        return Answer(
            201,
            encode({"uri": "/login-sessions", "cookie": cookie}),
            headers=(("Set-Cookie", f"{cookie}; Path=/; HttpOnly"),),
        )

    def _log_out(self, call: Call, _port: str, _now: float) -> Answer:
        self._sessions.close(self._session_id(call))
        return Answer(204)

    # Versions

    def _version_names(self, version: int) -> set[str]:
        return set(_MINOR_VERSIONS.get(version, (f"v{version}.0",)))

    def _list_versions(self, call: Call, now: float) -> Answer:
        if call.method != "GET":
            return message(405, f"Method {call.method} is not allowed for version")
        if self.firmware.version_needs_session and not self._has_session(call, now):
            return self._refuse_session()
        names = [name for version in sorted(self.firmware.versions) for name in sorted(self._version_names(version))]
        elements = [{"uri": "/version", "version": name} for name in names]
        return Answer(200, encode({"collection_result": collection_result(len(names)), "version_element": elements}))

    def _status(self, call: Call, _port: str, _now: float) -> Answer:
        """What the switch is; of a stack, what all its members have in common."""
        status = {
            "name": "vigilia-sim",
            "firmware_version": "WC.16.11.0012",
            "base_ethernet_address": "02:00:00:00:00:01",
        }
        if not self.firmware.stacked:
            status |= {
                "product_model": "Aruba2930M-24G-PoE+",
                "hardware_revision": "JL320A",
                "serial_number": "SIM0001",
            }
        return Answer(200, encode({"uri": call.path, **status}))

    # Ports

    def _present(self, port_id: str, now: float) -> str:
        if port_id in self._faults.missing_ports(now):
            raise UnknownPortError(f"no port {port_id!r}")
        return self._model.port(port_id).port_id

    def _all_stats(self, _call: Call, _port: str, now: float) -> Answer:
        return Answer(200, self._model.all_stats(now, self._faults.missing_ports(now)))

    def _stats(self, _call: Call, port_id: str, now: float) -> Answer:
        return Answer(200, self._model.stats(self._present(port_id, now), now))

    def _all_settings(self, _call: Call, _port: str, now: float) -> Answer:
        return Answer(200, self._model.all_settings(self._faults.missing_ports(now)))

    def _settings(self, _call: Call, port_id: str, now: float) -> Answer:
        return Answer(200, encode(self._model.port(self._present(port_id, now)).settings()))

    def _put_settings(self, call: Call, port_id: str, now: float) -> Answer:
        port = self._model.port(self._present(port_id, now))
        if self._faults.take({"reject-put"}, call.method, call.path, now) is not None:
            return message(400, f"Port {port_id}: the configuration was rejected")
        wanted = _json_object(call.body)
        if wanted is None:
            return message(400, "The body is not a JSON object")
        enabled = wanted.get("is_poe_enabled", port.enabled)
        priority = wanted.get("poe_priority", port.priority)
        if not isinstance(enabled, bool) or priority not in PRIORITIES or wanted.get("port_id", port_id) != port_id:
            return message(400, f"Port {port_id}: is_poe_enabled, poe_priority or port_id has a wrong value")
        if self._faults.take({"put-ignored"}, call.method, call.path, now) is None:
            self._model.change(port_id, now, enabled=enabled, priority=str(priority))
        return Answer(200, encode(port.settings()))

    def _run_cli(self, call: Call, _port: str, now: float) -> Answer:
        command = (_json_object(call.body) or {}).get("cmd")
        if not isinstance(command, str):
            return message(400, "Give cmd")
        failure = self._failed_cli(call, command, now)
        result = base64.b64encode((failure or "").encode()).decode()
        status = "CCS_SUCCESS" if failure is None else "CCS_FAILURE"
        return Answer(200, encode({"uri": "/cli", "cmd": command, "status": status, "result_base64_encoded": result}))

    def _failed_cli(self, call: Call, command: str, now: float) -> str | None:
        """Run a CLI command; why it failed, or None."""
        parts = _CLI_POE.fullmatch(" ".join(command.split()))
        if parts is None:
            return f"Invalid input: {command}\n"
        try:
            port_id = self._present(parts[2], now)
        except UnknownPortError:
            return f"Module not present for port or invalid port: {parts[2]}\n"
        if self._faults.take({"reject-put"}, call.method, call.path, now) is not None:
            return f"Port {port_id}: the configuration was rejected\n"
        if self._faults.take({"put-ignored"}, call.method, call.path, now) is None:
            self._model.change(port_id, now, enabled=parts[1] is None)
        return None


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value = cast(object, json.loads(body))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _same(given: object, expected: object) -> bool:
    return hmac.compare_digest(repr(given).encode(), repr(expected).encode())
