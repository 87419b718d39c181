"""The rules for login sessions."""

from vigilia.sim.aruba.sessions import Sessions


def test_no_more_than_the_limit() -> None:
    sessions = Sessions(limit=2, idle_s=10)
    first = sessions.open(0.0)
    assert first is not None
    assert sessions.open(0.0) is not None
    assert sessions.open(0.0) is None
    sessions.close(first)
    assert sessions.open(0.0) is not None
    assert (sessions.count(0.0), sessions.max_open, sessions.logins) == (2, 2, 3)


def test_an_idle_session_ends_and_use_keeps_it() -> None:
    sessions = Sessions(idle_s=10)
    session = sessions.open(0.0)
    assert session is not None
    assert sessions.use(session, 9.0)
    assert sessions.use(session, 18.0)
    assert sessions.count(27.9) == 1
    assert sessions.count(28.0) == 0
    assert not sessions.use(session, 28.0)


def test_clear_ends_all_and_unknown_ones_are_harmless() -> None:
    sessions = Sessions()
    session = sessions.open(0.0)
    assert session is not None
    sessions.close("nobody")
    sessions.clear()
    assert not sessions.use(session, 0.0)
    assert sessions.count(0.0) == 0
