"""What a user or token may be called."""

import re

from vigilia.language import tr

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")
TOKEN_SIGN = "token:"  # noqa: S105 - no token, but how an audit tells one from a user
"""Stands before a token's name where a user's could be."""
LOCAL = "local"
"""Who the commands on the service's own machine are in the audit."""


def check_name(text: str) -> str:
    """Return a name as it is kept, in lower case. Raises ValueError."""
    name = text.strip().lower()
    if _NAME.fullmatch(name) is None:
        raise ValueError(tr("a name has 1 to 60 of a-z, 0-9, . _ @ - and begins with a letter or a digit"))
    if name == LOCAL:
        raise ValueError(tr("{name} is what the audit calls commands: choose another name").format(name=name))
    return name
