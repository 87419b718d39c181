"""Texts and JSON as every database takes them: the one place where they are made fit."""

import json
import math
from dataclasses import asdict, is_dataclass
from typing import Any, cast

import orjson
from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


def storable(text: str) -> str:
    """Return `text` with question marks for what PostgreSQL does not store: NUL, and half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def to_json(value: object) -> str:
    """Return `value` as JSON that every database stores; a number that is not finite becomes null.

    A dataclass becomes an object of its fields.
    """
    try:
        text = orjson.dumps(value, default=_plain).decode()
    except orjson.JSONEncodeError:  # half of a surrogate pair, or an integer of more than 64 bits
        text = ""
    return json.dumps(_mended(value), allow_nan=False) if not text or "\\u0000" in text else text


class StoredText(TypeDecorator[str]):
    """A text. PostgreSQL gets no limit of length, for SQLite minds none: what one stores, the other stores."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database's own type."""
        own = cast(String, self.impl_instance)
        return dialect.type_descriptor(own if dialect.name == "sqlite" and own.length else Text())

    def process_bind_param(self, value: object, dialect: Dialect) -> Any:
        """Return what is handed to the database. What is no text is its to refuse."""
        del dialect
        return storable(value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    """Return a tuple with names as what `json` makes of it."""
    if isinstance(value, tuple):
        return list(cast("tuple[object, ...]", value))
    raise TypeError(f"{type(value).__name__} is nothing that JSON holds")


def _mended(value: object) -> object:
    match value:
        case str():
            return storable(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_mended(key): _mended(inner) for key, inner in cast("dict[object, object]", value).items()}
        case list() | tuple():
            return [_mended(inner) for inner in cast("list[object]", value)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _mended(asdict(value))
        case _:
            return value
