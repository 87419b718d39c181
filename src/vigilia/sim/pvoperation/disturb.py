"""What the faults make of a day's records and of whole answers.

Pure: a list of records or a fault in, an answer out.
"""

import json
import random
from datetime import UTC, date, datetime
from email.utils import format_datetime

from vigilia.sim.aruba.rest import Answer
from vigilia.sim.pvoperation.days import Record
from vigilia.sim.pvoperation.faults import Fault
from vigilia.sim.pvoperation.script import INTERVAL_S

HUGE_BYTES = 120_000_000
_REPEATS = 3
_ERROR_TEXT = "Erro ao processar a requisição. Tente novamente mais tarde."
_PAGE = (
    "<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center><hr><center>nginx</center></body></html>"
)


def json_answer(status: int, data: object) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(data, ensure_ascii=False).encode())


def throttled(fault: Fault, now: float) -> Answer:
    """The 429 of a fault, with Retry-After in seconds or as a date; `now` is the time the date counts from."""
    headers: tuple[tuple[str, str], ...] = ()
    if fault.retry_after_s is not None:
        moment = datetime.fromtimestamp(now + fault.retry_after_s, UTC)
        text = format_datetime(moment, usegmt=True) if fault.as_date else f"{fault.retry_after_s:g}"
        headers = (("Retry-After", text),)
    return Answer(429, b'{"message": "Too many requests"}', headers=headers)


def faulty_answer(fault: Fault, now: float) -> Answer | None:
    """What a fault has a request of the API answered with, or None if the API answers for itself."""
    match fault.kind:
        case "429":
            return throttled(fault, now)
        case "500":
            return Answer(500, b"Internal Server Error", "text/plain")
        case "503":
            return json_answer(503, {"message": "Service unavailable"})
        case "garbage":
            return Answer(200, b'[{"idrele":"1","conteudojson":{"tsleitura":\x00\xff<<')
        case "html":
            return Answer(200, _PAGE.encode(), "text/html")
        case "wrong-shape":
            return json_answer(200, {"token": {"value": 5}, "plants": {"id": "x"}, "data": [[1, 2], None, "text"]})
        case "error-text":
            return json_answer(200, _ERROR_TEXT)
        case _:
            return None


def visible(faults: list[Fault], records: list[Record], now: float) -> list[Record]:
    """The records that have appeared by `now`, where some are late."""
    for fault in faults:
        if fault.kind == "late":
            records = [
                record
                for record in records
                if int(record.moment // INTERVAL_S) % fault.every or record.moment + fault.minutes * 60 <= now
            ]
    return records


def disturbed(faults: list[Fault], records: list[Record], day: date, now: float) -> list[Record]:
    """A day's records as the faults have them."""
    records = visible(faults, records, now)
    for fault in faults:
        if fault.kind == "missing-day" and fault.day in (None, day):
            return []
        if fault.kind == "repeat-last":
            last = {record.equipment: record for record in records}
            records = [*records, *(record for record in last.values() for _ in range(_REPEATS))]
        if fault.kind == "duplicates":
            records = [record for record in records for _ in range(2)]
        if fault.kind == "out-of-order":
            records = random.Random(len(records)).sample(records, len(records))
    return records


def joined(records: list[Record]) -> bytes:
    """The answer with these records."""
    return b"[%b]" % b",".join(record.data for record in records)
