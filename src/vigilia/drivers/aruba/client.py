"""The ArubaOS-Switch REST client: version, login, what the firmware offers, and the requests themselves.

It knows the protocol and no points. One login session and one connection at any time; see "ArubaOS-Switch REST" in
docs/explanation/aruba-rest.md for the rules and their sources.
"""

import base64
import binascii
import logging
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote

from vigilia.drivers.aruba.http import Answer, Connection
from vigilia.errors import BadAnswer, ConnectionLost, LinkError, LoginRefused, NoSession, Refused, printable
from vigilia.language import tr

_logger = logging.getLogger(__name__)

_VERSIONS = range(1, 9)
_DEFAULT_VERSION = 3
_NOT_OFFERED = (404, 501)
_NOT_ALLOWED = (405, 501)
_NO_OBJECTS = (403, 404, 405, 501)

_LONGEST_WORD = 80

Object = dict[str, Any]


class Identity(NamedTuple):
    """What a switch says it is; empty: it has not said."""

    model: str = ""
    firmware: str = ""


class NoSuchPort(LinkError):
    """The switch does not know the port."""


class ArubaClient:
    """One switch. It is its link's Session: `open`, then the requests, then `close`; one at a time."""

    def __init__(  # noqa: PLR0913 - what a conversation needs, by name
        self,
        name: str,
        url: str,
        *,
        username: str | None,
        password: str | None,
        ports: Sequence[str],
        timeout_s: float,
        login_timeout_s: float,
        tls: ssl.SSLContext | None,
        on_renewal: Callable[[], None],
    ) -> None:
        self.reads_all = True
        """Whether the firmware gives all ports in one answer; known once open."""
        self.writes_objects = True
        """Whether ports are switched by PUT; otherwise by CLI commands. Known once open."""
        self.identity = Identity()
        """As it said when it was opened last."""
        self._name = name
        self._connection = Connection(url, tls)
        self._username = username
        self._password = password
        self._ports = ports
        self._timeout_s = timeout_s
        self._login_timeout_s = login_timeout_s
        self._on_renewal = on_renewal
        self._base = f"/rest/v{_DEFAULT_VERSION}"
        self._cookie: str | None = None
        self._doubtful: str | None = None
        """A session whose deletion was answered 400: it may be gone, or live."""
        self._objects: dict[str, Object] = {}

    @property
    def sessions(self) -> int:
        """How many login sessions of ours the switch holds, as far as is known: 0 or 1."""
        return int(self._cookie is not None)

    @property
    def deadline_s(self) -> float:
        """Longest job: a write that reads the port's object, renews the login, and is tried by PUT, then by CLI."""
        return 8 * self._timeout_s + 2 * self._login_timeout_s

    @property
    def open_deadline_s(self) -> float:
        """Longest opening: every request of it, but those for the identity with a renewal of the login."""
        return (10 + 2 * len(self._ports)) * self._timeout_s + 3 * self._login_timeout_s

    async def open(self) -> None:
        """Delete a session left over, agree on a version, log in, and learn what the firmware offers."""
        await self._connection.close()
        self._objects.clear()
        await self._log_out()
        self._base = f"/rest/v{_DEFAULT_VERSION}"
        await self._agree_on_version()
        if self._username is not None and self._cookie is None:
            await self._log_in()
        await self._find_reading()
        await self._find_writing()
        await self._find_identity()

    async def close(self, *, lost: bool) -> None:
        """Log out, unless the connection is `lost`, and close it. A session left over is deleted by the next `open`."""
        try:
            if not lost:
                await self._log_out()
        except LinkError as error:
            _logger.debug("%s: no logout: %s", self._name, error)
        finally:
            await self._connection.close()

    async def read_all(self) -> dict[str, Object]:
        """Return every port's statistics, by port id. Raises BadAnswer or ConnectionLost."""
        return _port_objects(_expect(await self._call("GET", "poe/ports/stats")), "port_poe_stats")

    async def read_port(self, port: str) -> Object:
        """Return one port's statistics. Raises NoSuchPort, BadAnswer or ConnectionLost."""
        answer = await self._call("GET", f"ports/{quote(port, safe='')}/poe/stats")
        if answer.status == 404:
            raise NoSuchPort(f"no port {port}")
        return _object(_expect(answer))

    async def read_enabled(self, port: str) -> bool | None:
        """Return the port's PoE enable flag; None where the firmware does not tell. Raises NoSuchPort or LinkError."""
        if not self.writes_objects:
            return None
        enabled = (await self._port_object(port)).get("is_poe_enabled")
        return enabled if isinstance(enabled, bool) else None

    async def switch(self, port: str, *, on: bool) -> None:
        """Enable or disable PoE on a port; return once the switch's own answer confirms it.

        Raises Refused where it answers anything else, ConnectionLost where it does not answer.
        """
        if self.writes_objects:
            try:
                wanted = {**await self._port_object(port), "is_poe_enabled": on}
            except NoSuchPort as error:
                raise Refused(tr("{switch} has no port {port}").format(switch=self._name, port=port)) from error
            answer = await self._call("PUT", f"ports/{quote(port, safe='')}/poe", wanted)
            if answer.status not in _NOT_ALLOWED:
                self._confirm_object(port, answer, on=on)
                return
            self.writes_objects = False
        command = f"{'' if on else 'no '}interface {port} power-over-ethernet"
        self._confirm_command(command, await self._call("POST", "cli", {"cmd": command}))

    def _confirm_object(self, port: str, answer: Answer, *, on: bool) -> None:
        if not 200 <= answer.status < 300:
            raise Refused(tr("{link} refused: {error}").format(link=self._name, error=answer.explain()))
        confirmed = _object(answer.json())
        if str(confirmed.get("port_id", port)) != port:
            raise Refused(tr("{switch} answered for another port than {port}").format(switch=self._name, port=port))
        if confirmed.get("is_poe_enabled") is not on:
            text = tr("{switch} answered, but port {port} is not switched")
            raise Refused(text.format(switch=self._name, port=port))
        self._objects[port] = confirmed

    def _confirm_command(self, command: str, answer: Answer) -> None:
        if not 200 <= answer.status < 300:
            raise self._refusal(command, answer.explain())
        result = _object(answer.json())
        if result.get("status") != "CCS_SUCCESS":
            text = _decode_result(result.get("result_base64_encoded"))
            status = printable(_text(result.get("status"))[:40]) or tr("no status in the answer")
            raise self._refusal(command, f"{status}: {text}" if text else status)

    def _refusal(self, command: str, why: str) -> Refused:
        text = tr("{switch} refused {command}: {error}")
        return Refused(text.format(switch=self._name, command=repr(command), error=why))

    async def _port_object(self, port: str) -> Object:
        """Return the kept configuration object of a port; read it where it was not read with the others."""
        if port not in self._objects:
            answer = await self._call("GET", f"ports/{quote(port, safe='')}/poe")
            if answer.status == 404:
                raise NoSuchPort(f"no port {port}")
            self._objects[port] = _object(_expect(answer))
        return self._objects[port]

    async def _call(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request below the agreed version; log in anew, once, where the session is missing or expired."""
        answer = await self._send(method, path, body)
        if not answer.asks_for_login:
            return answer
        if self._username is None:
            raise BadAnswer("it asks for a login: configure username and password")
        self._on_renewal()
        await self._log_out()
        await self._log_in()
        answer = await self._send(method, path, body)
        if answer.asks_for_login:
            raise BadAnswer("it asks for a login again, just after one")
        return answer

    async def _send(self, method: str, path: str, body: object = None) -> Answer:
        return await self._connection.request(
            method, f"{self._base}/{path}", deadline_s=self._timeout_s, cookie=self._cookie, body=body
        )

    async def _agree_on_version(self) -> None:
        """Take the highest REST version offered; where the switch tells it only to the logged in, log in first."""
        answer = await self._ask_version()
        if answer.asks_for_login and self._username is not None:
            await self._log_in()
            answer = await self._ask_version()
        self._base = f"/rest/v{_highest_version(answer)}"

    async def _ask_version(self) -> Answer:
        return await self._connection.request("GET", "/rest/version", deadline_s=self._timeout_s, cookie=self._cookie)

    async def _log_in(self) -> None:
        if self._cookie is not None:
            raise BadAnswer("the session before could not be deleted: no other is opened beside it")
        await self._resolve_doubt()
        answer = await self._connection.request(
            "POST",
            f"{self._base}/login-sessions",
            deadline_s=self._login_timeout_s,
            body={"userName": self._username, "password": self._password},
            on_cookie=self._keep_cookie,  # the session is ours to delete even if the rest of the answer never comes
        )
        if answer.status == 503:
            raise NoSession("no REST session is free on the switch (status 503 to the login)")
        if answer.asks_for_login or answer.status == 403:
            raise LoginRefused(
                f"the login of {self._username!r} is refused (status {answer.status}): check username and password; "
                "with RADIUS or TACACS the switch also needs its `aaa authentication rest` lines"
            )
        if answer.status == 404:
            raise LoginRefused(f"REST version {self._base.rpartition('/')[2]} is not offered, or REST is not enabled")
        self._keep_cookie(_object(_expect(answer)).get("cookie"))
        if self._cookie is None:
            raise BadAnswer("the answer to the login has no cookie")
        await self._resolve_doubt()

    def _keep_cookie(self, cookie: object) -> None:
        if isinstance(cookie, str) and re.fullmatch(r"[\x21-\x3a\x3c-\x7e]{1,1000}", cookie):
            self._cookie = cookie

    async def _log_out(self) -> None:
        """Delete our session, if there may be one. It is kept where the switch failed to; no answer raises."""
        if self._cookie is not None:
            match await self._delete(self._cookie):
                case "gone":
                    self._cookie = None
                case "refused":
                    self._doubtful, self._cookie = self._cookie, None
                case _:
                    pass
        else:
            await self._resolve_doubt()

    async def _resolve_doubt(self) -> None:
        """Ask once more for the deletion of a session whose deletion was answered 400.

        A switch that has just let us log in speaks sense again: what it then refuses to delete is gone.
        """
        if self._doubtful is None:
            return
        outcome = await self._delete(self._doubtful)
        if outcome == "gone" or (outcome == "refused" and self._cookie is not None):
            self._doubtful = None

    async def _delete(self, cookie: str) -> Literal["gone", "refused", "failed"]:
        """Delete a session, and say what the answer proves.

        "gone" is a 204, or a refusal of the session itself. "refused" is a 400: switches say so of sessions gone, and
        of any while they start. Anything else, a 200 with a page as well, proves nothing: the session may live on.
        """
        try:
            answer = await self._connection.request(
                "DELETE", f"{self._base}/login-sessions", deadline_s=self._timeout_s, cookie=cookie
            )
        except BadAnswer as error:
            _logger.debug("%s: to the logout: %s", self._name, error)
            return "failed"
        if answer.status in (204, 401, 404) or (answer.status == 200 and not answer.body):
            return "gone"
        return "refused" if 400 <= answer.status < 500 else "failed"

    async def _find_reading(self) -> None:
        """Find out whether all ports can be read at once, or only one by one."""
        answer = await self._call("GET", "poe/ports/stats")
        self.reads_all = answer.status not in _NOT_OFFERED
        if self.reads_all:
            _port_objects(_expect(answer), "port_poe_stats")
            return
        for port in self._ports:
            try:
                await self.read_port(port)
            except NoSuchPort:
                continue
            return
        raise BadAnswer(f"poe/ports/stats gave status {answer.status}, and no configured port can be read by itself")

    async def _find_writing(self) -> None:
        """Read the ports' configuration objects, or find out that this firmware has only the CLI."""
        answer = await self._call("GET", "poe/ports")
        self.writes_objects = True
        if answer.status not in _NO_OBJECTS:
            self._objects = _port_objects(_expect(answer), "port_poe")
            return
        for port in self._ports:
            answer = await self._call("GET", f"ports/{quote(port, safe='')}/poe")
            if answer.status not in _NO_OBJECTS:
                self._objects[port] = _object(_expect(answer))
                return
            if answer.status != 404:
                break
        self.writes_objects = False

    async def _find_identity(self) -> None:
        """Ask for the model and the firmware; a stack tells them elsewhere.

        Nothing depends on them: no login is renewed for their sake, and no opening fails for want of them.
        """
        self.identity = Identity()
        for path in ("system/status", "system/status/global"):
            try:
                status = _object(_expect(await self._send("GET", path)))
            except ConnectionLost as error:
                _logger.debug("%s: %s: %s", self._name, path, error)
                return
            except BadAnswer as error:
                _logger.debug("%s: %s: %s", self._name, path, error)
                continue
            model = _text(status.get("product_model")) or _text(status.get("hardware_revision"))
            firmware = _text(status.get("firmware_version"))
            self.identity = Identity(printable(model[:_LONGEST_WORD]), printable(firmware[:_LONGEST_WORD]))
            if any(self.identity):
                return


def _expect(answer: Answer) -> Any:
    """Return the JSON of a successful answer. Raises BadAnswer for any other."""
    if not 200 <= answer.status < 300:
        raise BadAnswer(answer.explain())
    return answer.json()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise BadAnswer("not a JSON object where one belongs")
    return cast(Object, value)


def _port_objects(value: Any, key: str) -> dict[str, Object]:
    """Return the list of port objects under `key`, by port id."""
    items = _object(value).get(key)
    if not isinstance(items, list):
        raise BadAnswer(f"no list {key} in the answer")
    ports: dict[str, Object] = {}
    for item in cast(list[Any], items):
        port = _object(item).get("port_id")
        if not isinstance(port, str | int):
            raise BadAnswer(f"an entry of {key} has no port_id")
        ports[str(port)] = cast(Object, item)
    return ports


def _highest_version(answer: Answer) -> int:
    """Return the highest version that `GET /rest/version` offers and we speak; the default where it does not say."""
    try:
        elements = _object(answer.json()).get("version_element") if answer.status == 200 else None
    except BadAnswer:
        elements = None
    offered = [
        int(match[1])
        for element in (cast(list[Any], elements) if isinstance(elements, list) else [])
        if isinstance(element, dict)
        and (match := re.match(r"v(\d{1,3})(\.\d+)?$", _text(cast(Object, element).get("version"))))
    ]
    return max((version for version in offered if version in _VERSIONS), default=_DEFAULT_VERSION)


def _decode_result(encoded: object) -> str:
    """Return the switch's CLI output as one short line; empty where there is none."""
    if not isinstance(encoded, str):
        return ""
    try:
        text = base64.b64decode(encoded[:4000], validate=False).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
    return printable(" ".join(text.split())[:200])
