"""Which values a reading holds, of the circuits that know several."""

from vigilia.sim.reactor.circuits.circuit import Circuit
from vigilia.sim.reactor.circuits.reply import NotUnderstood, Reply, whole


class Outputs:
    """Which values a reading holds, switched by O,NAME,0|1 and asked by O,?; kept without power."""

    def __init__(self, known: tuple[str, ...], shown: tuple[str, ...], *, always: str = "") -> None:
        """`always`: one that cannot be left out."""
        self.known = known
        self._always = always
        self._first = shown
        self.shown = list(shown)

    def reset(self) -> None:
        """Show what is shown when it leaves the factory."""
        self.shown = list(self._first)

    def handle(self, circuit: Circuit, words: list[str]) -> Reply:
        """Answer an O command; raises NotUnderstood."""
        if words == ["?"]:
            return Reply(circuit.say("O", *(self.shown or ["no output"])))
        if len(words) != 2:
            raise NotUnderstood
        named = next((name for name in self.known if name.lower() == words[0].lower()), None)
        if named is None or named == self._always:
            raise NotUnderstood
        kept = set(self.shown) - {named} | ({named} if whole(words[1], 0, 1) else set[str]())
        self.shown = [name for name in self.known if name in kept]
        return Reply()
