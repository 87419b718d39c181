"""The store's tables, as the newest migration leaves them. A test holds the two against each other."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, true

from vigilia.store.text import StoredText

metadata = MetaData()

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("write_id", StoredText(36), nullable=False, unique=True),
    Column("asked_at", Float, nullable=False),
    Column("point", StoredText(200), nullable=False),
    Column("value", JSON),
    Column("previous", JSON),
    Column("via", StoredText(40), nullable=False),
    Column("user", StoredText(200), nullable=False),
    Column("host", StoredText(200), nullable=False),
    Column("outcome", StoredText(40)),
    Column("detail", StoredText),
    Column("answered_at", Float),
    Index("ix_audit_point", "point"),
)
"""Every write that was asked for: by whom, what, and how it ended (`outcome` null: not answered yet)."""

chosen = Table(
    "chosen",
    metadata,
    Column("point", StoredText(200), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("chosen_at", Float, nullable=False),
    Column("write_id", StoredText(36), nullable=False),
    Column("confirmed", Boolean, nullable=False),
)
"""The last value somebody wrote to each set point, and whether the equipment confirmed it."""

known_points = Table(
    "known_points",
    metadata,
    Column("name", StoredText(200), primary_key=True),
    Column("driver", StoredText(40), nullable=False),
    Column("definition", JSON, nullable=False),
    Column("first_seen", Float, nullable=False),
)
"""Points as they were last declared, so that a start knows them before the equipment speaks."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("driver", StoredText(40), primary_key=True),
    Column("key", StoredText(200), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("kept_at", Float, nullable=False),
)
"""How far each driver has come with each of its sources."""

alarms = Table(
    "alarms",
    metadata,
    Column("id", StoredText(260), primary_key=True),
    Column("rule", StoredText(60), nullable=False),
    Column("point", StoredText(200), nullable=False),
    Column("state", JSON, nullable=False),
    Column("counters", JSON, nullable=False),
    Column("changed_at", Float, nullable=False),
    Index("ix_alarms_point", "point"),
)
"""Every alarm that is not simply normal: its state, and the readings counted so far. The id is rule + "@" + point."""

incidents = Table(
    "incidents",
    metadata,
    Column("id", StoredText(36), primary_key=True),
    Column("alarm", StoredText(260), nullable=False),
    Column("rule", StoredText(60), nullable=False),
    Column("system", StoredText(40), nullable=False),
    Column("point", StoredText(200), nullable=False),
    Column("device", StoredText(200), nullable=False),
    Column("area", StoredText(200), nullable=False),
    Column("equipment", StoredText(200), nullable=False),
    Column("family", StoredText(80), nullable=False),
    Column("label", StoredText(80), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("last_seen_at", Float, nullable=False),
    Column("detail", StoredText, nullable=False),
    Column("suppressed_by", StoredText(260), nullable=False),
    Column("brief", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("outage", Boolean, nullable=False),
    Column("found_at", Float, nullable=False),
    Column("start_known", Boolean, nullable=False, server_default=true()),
    Index("ix_incidents_began", "began_at"),
    Index("ix_incidents_ended", "ended_at"),
    Index("ix_incidents_alarm_found", "alarm", "found_at"),
    Index("ix_incidents_found", "found_at", "told", "alarm", "severity"),  # all that most figures need
)
"""Alarms from start to end, by the equipment's times. `brief`: over when it was found, so that nobody was told.
`told`: a notice of its start was queued. `outage`: the equipment counts as unavailable. `found_at`: when the watch
learnt of it, by its clock. `start_known`: false where `began_at` is a guess, for the monitor before did not tell."""

alarm_journal = Table(
    "alarm_journal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("alarm", StoredText(260), nullable=False),
    Column("incident", StoredText(36), nullable=False),
    Column("event", StoredText(20), nullable=False),
    Column("state", StoredText(20), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("happened_at", Float),
    Column("via", StoredText(40), nullable=False),
    Column("user", StoredText(200), nullable=False),
    Column("host", StoredText(200), nullable=False),
    Column("comment", StoredText, nullable=False),
    Column("until", Float),
    Column("cause", StoredText(260), nullable=False),
    Column("detail", StoredText, nullable=False),
    Column("channel", StoredText(60), nullable=False),
    Column("card", Integer),
    Index("ix_alarm_journal_at", "at", "id"),
    Index("ix_alarm_journal_alarm", "alarm", "at", "id"),
)
"""What happened to alarms: one row for each change, written with it. `at` is by the watch's clock, `happened_at` by the
equipment's. `state`: the alarm's after it; empty where it is not known. `cause`: the alarm that suppresses it."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("channel", StoredText(60), nullable=False),
    Column("kind", StoredText(20), nullable=False),
    Column("alarm", StoredText(260), nullable=False),
    Column("incident", StoredText(36), nullable=False),
    Column("area", StoredText(200), nullable=False),
    Column("notice", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("card", Integer),
    Column("claimed_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("delivered_at", Float),
    Column("error", StoredText, nullable=False),
    Column("repeats", Integer),
    Index("ix_outbox_waiting", "channel", "delivered_at", "id"),
    Index("ix_outbox_incident", "incident"),
    Index("ix_outbox_repeats", "repeats"),
)
"""Notices, one row for each channel. `card`: the number of the card that carries it, set before the first attempt; so
a notice with a card may have been read by somebody. `repeats`: the id of the notice that it says once more."""

channels = Table(
    "channels",
    metadata,
    Column("name", StoredText(60), primary_key=True),
    Column("next_card", Integer, nullable=False),
    Column("sent", JSON, nullable=False),
)
"""What each channel must remember: the next card's number, and when it sent lately (for its rate budget)."""

marks = Table(
    "marks",
    metadata,
    Column("name", StoredText(60), primary_key=True),
    Column("value", JSON, nullable=False),
)
"""What was done when, so that it is done once: the last heartbeat, the last weekly report."""

reactors = Table(
    "reactors",
    metadata,
    Column("id", StoredText(24), primary_key=True),
    Column("accepted_at", Float, nullable=False),
    Column("accepted_by", StoredText(200), nullable=False),
    Column("token_hash", StoredText(64), nullable=False),
    Column("name", StoredText(100), nullable=False),
    Column("version", StoredText(60), nullable=False),
    Column("boot", StoredText(64), nullable=False),
    Column("machine", StoredText(64), nullable=False),
    Column("registered_at", Float),
)
"""The reactors that were accepted, and what they said of themselves last. `token_hash`: empty where it has none."""

reactor_settings = Table(
    "reactor_settings",
    metadata,
    Column("reactor", StoredText(24), primary_key=True),
    Column("part", StoredText(24), primary_key=True),
    Column("parameter", StoredText(40), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("state", StoredText(20), nullable=False),
    Column("reason", StoredText, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("asked_by", StoredText(200), nullable=False),
    Column("held", JSON),
    Column("held_revision", BigInteger, nullable=False),
)
"""What each setting of a reactor should be, who asked for it, and what became of it. `held`: the newest value that was
applied, with its revision; it is what a reactor that has forgotten everything gets where `value` was rejected."""
