"""Routes: which channels a notice goes to."""

from collections.abc import Sequence
from dataclasses import dataclass

from vigilia.notices import Notice, NoticeKind
from vigilia.notify.config import NotifyConfig, RouteConfig
from vigilia.points import Severity


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes in force, of the channels that are on."""

    channels: tuple[str, ...]
    routes: Sequence[RouteConfig] = ()
    """None: everything goes to every channel."""

    @classmethod
    def of(cls, config: NotifyConfig) -> "Routes":
        """Return the routes of a configuration."""
        return cls(config.channels, tuple(config.routes))

    def channels_for(self, notice: Notice) -> tuple[str, ...]:
        """Return the names of the channels that a notice goes to.

        An alarm that is over goes where its beginning went, whatever is said here: the outbox sees to that.
        """
        if not self.routes:
            return self.channels
        named = {route.channel for route in self.routes if _matches(route, notice)}
        return tuple(channel for channel in self.channels if channel in named)


def _matches(route: RouteConfig, notice: Notice) -> bool:
    """Say whether a route takes a notice.

    The service's own notices belong to no driver and no area, and heartbeats and reports have no severity: a route
    cannot ask that of them.
    """
    alarm = notice.kind in (NoticeKind.RAISED, NoticeKind.CLEARED)
    if route.systems and notice.system != "vigilia" and notice.system not in route.systems:
        return False
    ungraded = notice.kind is NoticeKind.CLEARED and notice.severity is Severity.NO_ALARM
    if alarm and not ungraded and notice.severity < Severity[route.min_severity]:
        return False
    return not (
        alarm and route.areas and notice.system != "vigilia" and not {notice.area, *notice.routing} & set(route.areas)
    )
