"""The address of a store: checked, and shown without its password."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from vigilia.settings import Secret

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"
_SECRETS = ("password", "sslpassword")


class StoreUrl(Secret):
    """The address of a store; it prints with `***` in the place of its password."""

    def _display(self) -> str:
        return shown(self.get_secret_value())

    def passwords(self) -> Iterator[str]:
        """Give what is secret in it, as it is written there and as it is meant."""
        url = self.get_secret_value()
        parts = _split(url) if url.startswith(POSTGRESQL) else None
        if parts is None:
            return
        if parts.password:
            yield from dict.fromkeys((parts.password, unquote(parts.password)))
        yield from (value for name, value in parse_qsl(parts.query) if name in _SECRETS)


def check(url: str) -> None:
    """Raise ValueError, with what would be right after a semicolon, unless `url` is the address of a store."""
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return
    if not url.startswith(POSTGRESQL):
        raise ValueError(
            'is neither SQLite nor PostgreSQL; write "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"'
        )
    parts = _split(url)
    if parts is None:
        raise ValueError(
            'is no PostgreSQL address; write "postgresql://USER:PASSWORD@HOST/DATABASE", and in the password '
            "%40 for @, %23 for #, %2F for /, %3F for ?"
        )
    if not parts.path.strip("/"):
        raise ValueError('names no database; write "postgresql://USER:PASSWORD@HOST/DATABASE"')


def shown(url: str) -> str:
    """Return a store's address as it may be shown and logged."""
    if not url.startswith(POSTGRESQL):
        return url
    parts = _split(url)
    if parts is None:
        return "***"
    user, at, host = parts.netloc.rpartition("@")
    user = f"{user.partition(':')[0]}:***" if ":" in user else user
    options = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={'***' if name in _SECRETS else value}" for name, value in options)
    return f"{POSTGRESQL}{user}{at}{host}{parts.path}{'?' if query else ''}{query}"


def _split(url: str) -> SplitResult | None:
    """Return the parts of a PostgreSQL address; None where a password may have slipped into a wrong one."""
    try:
        parts = urlsplit(url)
        parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        _ = parts.port  # which is checked by looking at it
    except ValueError:
        return None
    odd = "#" in url or "@" in parts.path or "@" in parts.query or parts.netloc.count("@") > 1
    return None if odd or not url.isprintable() else parts
