"""Which alarms may look otherwise than before, for whoever shows them as they change."""

from collections.abc import Collection


class AlarmNews:
    """Passes on the ids of alarms that change. Nobody is waited for."""

    def __init__(self) -> None:
        self._followers: set[Following] = set()

    def tell(self, alarm: str) -> None:
        """Say that an alarm of that id may look otherwise."""
        for follower in self._followers:
            follower.ids.add(alarm)

    def follow(self) -> "Following":
        """Return what gathers the ids of alarms that change from now on."""
        return Following(self._followers)


class Following:
    """One follower's ids: at most as many as there are alarms."""

    def __init__(self, followers: "set[Following]") -> None:
        self.ids: set[str] = set()
        self._followers = followers
        followers.add(self)

    def fetch(self) -> Collection[str]:
        """Return the ids that came since the last call."""
        found, self.ids = self.ids, set()
        return found

    def close(self) -> None:
        """Gather no more."""
        self._followers.discard(self)
