"""The approach that the service replaces, as a reference to measure it against.

`requests`; one plant after another, one call each with a new connection; the state in a JSON file that is written whole
after each plant; a card for each plant, sent at once. It prints "reference ready" after its login, scans once, relays
and then inverters, says "scan KIND SECONDS" of each on its standard error, and waits for SIGTERM. Run as
`python reference_monitor.py STATE DATE` with PVOP_BASE_URL, PVOP_EMAIL, PVOP_PASSWORD and TEAMS_WEBHOOK_URL in the
environment.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import requests

READINGS = 3
OPENS, CLOSES = "06:30:00", "17:30:00"
_TIMEOUT_S = 30.0

State = dict[str, Any]


class Monitor:
    """Looks at the plants of an account."""

    def __init__(self, state: Path, day: str) -> None:
        self._path = state
        self._day = day
        self._base = os.environ["PVOP_BASE_URL"]
        self._state: State = {"ultima_varredura": {}, "rele_alertas_ativos": [], "estado_inversores": {}, "avisos": 0}
        login = {"username": os.environ["PVOP_EMAIL"], "password": os.environ["PVOP_PASSWORD"]}
        answer = requests.post(f"{self._base}/authenticate", json=login, timeout=_TIMEOUT_S)
        self._headers = {"x-access-token": answer.json()["token"]}

    def scan(self, kind: str) -> None:
        """Look at every plant, one after the other."""
        for plant in requests.get(f"{self._base}/plants", headers=self._headers, timeout=_TIMEOUT_S).json():
            body = {"id": plant["id"], "date": self._day}
            answer = requests.post(f"{self._base}/day_{kind}", json=body, headers=self._headers, timeout=_TIMEOUT_S)
            lines = self._relays(plant, answer.json()) if kind == "relay" else self._inverters(plant, answer.json())
            self._state["ultima_varredura"][f"{kind}:{plant['id']}"] = time.strftime("%Y-%m-%d %H:%M:%S")
            if lines:
                self._tell(plant["nome"], lines)
            self._path.write_text(json.dumps(self._state, ensure_ascii=False, indent=2))

    def _relays(self, plant: dict[str, Any], records: list[dict[str, Any]]) -> list[str]:
        active: dict[str, list[str]] = {}
        for record in sorted(records, key=lambda record: record["conteudojson"]["tsleitura"]):
            content = record["conteudojson"]
            active[record["idrele"]] = [name for name, value in content.items() if name[0] == "r" and value == 1]
        lines: list[str] = []
        for relay, flags in active.items():
            if flags:
                self._state["rele_alertas_ativos"].append(f"{plant['id']}:{relay}:{','.join(flags)}")
                lines.append(f"{relay}: {', '.join(flags)}")
        return lines

    def _inverters(self, plant: dict[str, Any], records: list[dict[str, Any]]) -> list[str]:
        states: dict[str, Any] = self._state["estado_inversores"]
        lines: list[str] = []
        for record in sorted(records, key=lambda record: record["conteudojson"]["tsleitura"]):
            content = record["conteudojson"]
            if not OPENS <= content["tsleitura"][11:] <= CLOSES:
                continue
            key = f"{plant['id']}:{record['idinversor']}"
            state = states.setdefault(key, {"ativa": False, "seq_zero": 0, "rec_seq": 0})
            if content["Pac"] <= 0:
                state["seq_zero"], state["rec_seq"] = state["seq_zero"] + 1, 0
            else:
                state["seq_zero"], state["rec_seq"] = 0, state["rec_seq"] + 1
            if not state["ativa"] and state["seq_zero"] >= READINGS:
                state["ativa"] = True
                lines.append(f"{record['idinversor']}: falha {content['tsleitura']}")
            elif state["ativa"] and state["rec_seq"] >= READINGS:
                state["ativa"] = False
                lines.append(f"{record['idinversor']}: normalizado {content['tsleitura']}")
        return lines

    def _tell(self, name: str, lines: list[str]) -> None:
        self._state["avisos"] += 1
        body = [{"type": "TextBlock", "text": text} for text in (name, *lines)]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": body}
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        requests.post(
            os.environ["TEAMS_WEBHOOK_URL"], json={"type": "message", "attachments": [attachment]}, timeout=_TIMEOUT_S
        )


def main(state: str, day: str) -> None:
    """Scan once, and wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    monitor = Monitor(Path(state), day)
    print("reference ready", flush=True)
    for kind in ("relay", "inverter"):
        began = time.monotonic()
        monitor.scan(kind)
        print(f"scan {kind} {time.monotonic() - began:.3f}", file=sys.stderr, flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:3])
