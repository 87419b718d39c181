"""What the service tells its pages of itself: found in its parts, for the API to show."""

from collections.abc import Iterable
from functools import partial

from vigilia.alerting import Alerting
from vigilia.clock import Clock
from vigilia.fleet import Fleet
from vigilia.interfaces.api.parts import Vitals
from vigilia.ownpoints import resident_mb
from vigilia.store import Store
from vigilia.store.tally import tally


def fleet_of(drivers: Iterable[object]) -> Fleet | None:
    """Return the driver that knows the reactors; None where none are listened to."""
    return next((driver for driver in drivers if isinstance(driver, Fleet)), None)


def vitals_of(alerting: Alerting, store: Store, clock: Clock) -> Vitals:
    """Return how to find what pages are told of the service."""
    notifier = alerting.notifier
    return Vitals(
        started=clock.now(),
        memory_mb=resident_mb,
        waiting_notices=lambda: notifier.waiting,
        oldest_notice_s=lambda: notifier.oldest_unsent_s,
        notices_moved=lambda: notifier.moved,
        tally=partial(tally, store),
    )
