"""Loads settings: a TOML file, environment variables over it, secrets from files; and says what is wrong with them.

Each section is a `Section` model that lives beside the part it configures. Types are strict: a text is no number.
Environment variables are `VIGILIA_` + section + `__` + key (`VIGILIA_ARUBA__SCAN_S=0.5`); lists and tables as JSON.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, SecretStr, TypeAdapter, ValidationError
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from vigilia.errors import ConfigError, Problem
from vigilia.points import shorten

Table = dict[str, Any]

ENVIRONMENT_PREFIX = "VIGILIA_"
LARGEST_FILE_BYTES = 5_000_000
_LARGEST_SECRET_BYTES = 65_536
_PLACEHOLDER = re.compile(r"^<.*>$|COLE_AQUI|^<?(SEU_EMAIL|SUA_SENHA)", re.IGNORECASE | re.DOTALL)
"""What the users' sample files have where a credential belongs."""


class Secret(SecretStr):
    """A text that is never shown: it prints as `***`, and an error message does not repeat a wrong one."""

    def _display(self) -> str:
        return "***"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(_check_secret, super().__get_pydantic_core_schema__(source, handler))


def _check_secret(value: object) -> object:
    if not isinstance(value, str | SecretStr):
        raise ValueError("is not a text; write it in quotes")
    refuse_placeholder(value if isinstance(value, str) else value.get_secret_value())
    return value


def is_placeholder(text: str) -> bool:
    """Say whether a text is one that an example left to be replaced: `<SUA_SENHA…>`, `COLE_AQUI…`."""
    return _PLACEHOLDER.search(text.strip()) is not None


def refuse_placeholder(text: str) -> None:
    """Raise ValueError, which does not repeat it, for a text that is a placeholder. Every Secret is checked by it."""
    if is_placeholder(text):
        raise ValueError("is a placeholder; write the real one")


def check_site_url(url: str) -> str:
    """Return the http or https address of a site without a final slash, or an empty one. Raises ValueError."""
    right = 'write "https://HOST" or "http://HOST:PORT"'
    try:
        parts = urlsplit(url)
        valid = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError as error:
        raise ValueError(f"is not an address ({error}); {right}") from error
    if not valid or parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"is not the address of a site; {right}")
    return url.rstrip("/")


class Section(BaseModel):
    """Base of every section's model: strict types, no unknown keys, frozen."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True)

    def resolved(self, base: Path) -> Self:
        """Return the section with what it refers to read in, paths relative to `base`. Raises ConfigError."""
        del base
        return self


AnySection = TypeVar("AnySection", bound=Section)


def with_tls_files(section: AnySection, place: str, base: Path) -> AnySection:
    """Return a section with its `tls_cert` and `tls_key`, where it has them, as absolute paths; `place` names it.

    Raises ConfigError where one is no file.
    """
    files = {name: base / path for name in ("tls_cert", "tls_key") if (path := getattr(section, name)) is not None}
    problems = [
        Problem(place, name, f"{path} is no file", "name a PEM file")
        for name, path in files.items()
        if not path.is_file()
    ]
    if problems:
        raise ConfigError(problems)
    return section.model_copy(update={name: str(path) for name, path in files.items()})


def read_file(path: Path, purpose: str) -> bytes:
    """Return a settings file's content. Raises ConfigError where it is missing, unreadable or far too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([Problem(str(path), "file", f"cannot be read ({reason})", f"name {purpose}")]) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigError([Problem(str(path), "file", "is larger than 5 MB", f"name {purpose}")])
    return content


def read_toml(path: Path) -> Table:
    """Return the content of a TOML file. Raises ConfigError where it is none."""
    try:
        return tomllib.loads(read_file(path, "a TOML file").decode())
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "file", "is not text in UTF-8", "name a TOML file")]) from error
    except (ValueError, RecursionError) as error:  # the latter two for numbers and nesting beyond all measure
        raise ConfigError([Problem(str(path), "file", f"is not TOML: {error}", "correct that line")]) from error


def merge_environment(
    table: Table,
    sections: Mapping[str, type[Section]],
    environment: Mapping[str, str],
    names: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[Problem]]:
    """Put the environment's settings over `table`; return the place each came from, by its key, and what is wrong.

    A variable of a section that `table` lacks makes the section, and is the place of that as well. `names`: what the
    user calls a variable, where that is not its own name.
    """
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    for variable, text in sorted(environment.items()):
        path = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if not variable.startswith(ENVIRONMENT_PREFIX) or len(path) < 2:
            continue
        if path[0] == "agent" and "agent" not in sections:  # of an agent on the same machine
            continue
        place = f"environment variable {(names or {}).get(variable, variable)}"
        section = sections.get(path[0])
        if section is not None and not section.model_fields.keys() & {path[1], path[1].removesuffix("_file")}:
            problems.append(Problem(place, ".".join(path), "is not a known key", "remove it or correct its spelling"))
            continue
        try:
            value = text if section is None else _parse(section, path[1:], text)
        except ValidationError as error:
            problems += [Problem(place, ".".join(path), *_words(detail)) for detail in error.errors()]
            continue
        except (ValueError, RecursionError) as error:
            problems.append(Problem(place, ".".join(path), f"is not JSON ({error})", "write a list or table as JSON"))
            continue
        if path[0] not in table:
            origins[path[0]] = place
        origins[".".join(path)] = place
        target = table
        for step in path[:-1]:
            inner = target.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = target[step] = {}
            target = cast(Table, inner)
        target[path[-1]] = value
        _give_way(target, path, origins)
    return origins, problems


def _give_way(target: Table, path: list[str], origins: Mapping[str, str]) -> None:
    """Drop the file's `NAME_file` where the environment gives NAME, and the other way round: the environment wins."""
    name = path[-1]
    other = name.removesuffix("_file") if name.endswith("_file") else f"{name}_file"
    if ".".join([*path[:-1], other]) not in origins:
        target.pop(other, None)


def read_secret_files(table: Table, model: type[Section], base: Path, place: str, key: str) -> list[Problem]:
    """Replace each `NAME_file` of a secret NAME, at any depth, by the content of that file; return what went wrong.

    A relative path is looked for among the systemd credentials first, then from `base`.
    """
    problems: list[Problem] = []
    for name, field in model.model_fields.items():
        if _is_secret(field.annotation) and f"{name}_file" in table:
            named = table.pop(f"{name}_file")
            if table.get(name) is not None:
                right = "give one of them"
                problems.append(Problem(place, f"{key}.{name}_file", f"is given together with {name}", right))
                continue
            try:
                table[name] = _read_secret(named, base)
            except (OSError, TypeError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                problems.append(
                    Problem(
                        place, f"{key}.{name}_file", f"cannot be read ({reason})", "name a file that holds the secret"
                    )
                )
        for kind in _types(field.annotation):
            if not (isinstance(kind, type) and issubclass(kind, Section)):
                continue
            inner: Any = table.get(name)
            tables = cast(list[Any], inner) if isinstance(inner, list) else [inner]
            for index, item in enumerate(tables):
                if isinstance(item, dict):
                    where = f"{key}.{name}[{index}]" if isinstance(inner, list) else f"{key}.{name}"
                    problems += read_secret_files(cast(Table, item), kind, base, place, where)
    return problems


def validate(model: type[AnySection], value: object, place: str, key: str) -> tuple[AnySection | None, list[Problem]]:
    """Return `value` as a `model`, or what is wrong with it."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, problems_of(error, place, key)


def problems_of(error: ValidationError, place: str, key: str) -> list[Problem]:
    """Return one problem for each mistake that pydantic found below `key`."""
    problems: list[Problem] = []
    for detail in error.errors():
        path = key
        for step in detail["loc"]:
            path += f"[{step}]" if isinstance(step, int) else f".{step}"
        problems.append(Problem(place, path.lstrip(".") or "file", *_words(detail)))
    return problems


def _words(detail: Any) -> tuple[str, str]:
    """Return what is wrong and what would be right, from one of pydantic's error details."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return "is not a known key", "remove it or correct its spelling"
        case "missing":
            return "is missing", "add it"
        case "literal_error":
            return f"cannot be {shorten(detail['input'])}", f"write {context['expected']}"
        case "value_error":
            wrong, _, right = str(context["error"]).partition("; ")
            return wrong, right or "correct it"
        case "model_type":
            return f"cannot be {_describe(detail['input'])}", "write a table of keys"
        case _:
            wanted = detail["msg"][:1].lower() + detail["msg"][1:]
            return f"cannot be {_describe(detail['input'])}", wanted


def _describe(value: object) -> str:
    """Return a wrong value as a message may show it: of what may hold a secret, only the kind."""
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else shorten(value)


def _is_secret(annotation: Any) -> bool:
    return any(isinstance(kind, type) and issubclass(kind, Secret) for kind in _types(annotation))


def _types(annotation: Any) -> Iterator[Any]:
    """Give an annotation and, for unions and containers, all that it is made of."""
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def _parse(section: type[Section], path: list[str], text: str) -> Any:
    """Return an environment variable's text as the type that the key it stands for has."""
    field = section.model_fields.get(path[0])
    if field is None:
        return text  # an unknown key: the section's validation says so
    kinds = list(_types(field.annotation))
    if len(path) > 1:
        nested = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None)
        return text if nested is None else _parse(nested, path[1:], text)
    if any(kind in (list, dict, tuple) or getattr(kind, "__origin__", None) in (list, dict, tuple) for kind in kinds):
        return json.loads(text)
    return TypeAdapter(field.rebuild_annotation()).validate_strings(text)


def _read_secret(named: object, base: Path) -> str:
    if not isinstance(named, str):
        raise TypeError("not a path")
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    path = base / named
    if credentials and (Path(credentials) / named).is_file():
        path = Path(credentials) / named
    with path.open("rb") as file:
        content = file.read(_LARGEST_SECRET_BYTES + 1)
    if len(content) > _LARGEST_SECRET_BYTES:
        raise ValueError("larger than 64 KiB")
    secret = content.decode().strip()
    if not secret:
        raise ValueError("empty")
    return secret
