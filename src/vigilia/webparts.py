"""What the service tells its pages of itself: found in its parts, for the API to show."""

from functools import partial

from vigilia.alerting import Alerting
from vigilia.clock import Clock
from vigilia.interfaces.api.parts import Vitals
from vigilia.ownpoints import resident_mb
from vigilia.store import Store
from vigilia.store.tally import tally


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
