"""What rows amount to, as SQL: the same sums make the rollups and the buckets of an answer.

A *part* is a reading or a rollup's row: time, mean, low, high, last, text, severity, count, numbers. Parts of a bucket
are folded into one of the same shape; `numbers` is the weight of a mean, for rows without a number count as rows only.
"""

# ruff: noqa: S608 - statements are put together from tables and columns of ours; values are bound

COLUMNS = "time, mean, low, high, last, text, severity, count, numbers"


def raw_parts(table: str, where: str) -> str:
    """Return the SELECT of a table's readings as parts. The table is named first in a join, or alone."""
    number = "CASE typeof(value) WHEN 'real' THEN value END"
    return (
        f"SELECT time, {number} AS mean, {number} AS low, {number} AS high, {number} AS last, "
        "CASE typeof(value) WHEN 'blob' THEN CAST(value AS TEXT) END AS text, state >> 5 AS severity, 1 AS count, "
        f"typeof(value) = 'real' AS numbers FROM {table} WHERE {where}"
    )


def kept_parts(where: str) -> str:
    """Return the SELECT of the readings in both tables as parts."""
    return f"{raw_parts('stored', where)} UNION ALL {raw_parts('arrived', where)}"


def rolled_parts(table: str, where: str) -> str:
    """Return the SELECT of the rows of a rollup as parts."""
    return f"SELECT {COLUMNS} FROM {table} WHERE {where}"


def fold(parts: str, width: str, *, newest: bool = True) -> str:
    """Return the SELECT of what parts amount to in each bucket of a width, given as an expression.

    Without `newest`, last and text are NULL: the parts are gone through once and not twice.
    """
    bucket = f"time / {width} * {width}"
    # A sum may overflow, or round to beyond its largest part: a mean is never outside of its extremes.
    mean = "max(min(low), min(max(high), sum(mean * numbers) / sum(numbers)))"
    whole = (
        f"SELECT {bucket} AS bucket, {mean} AS mean, min(low) AS low, max(high) AS high, max(severity) AS severity, "
        f"sum(count) AS count, sum(numbers) AS numbers FROM ({parts}) GROUP BY 1"
    )
    if not newest:
        return f"SELECT bucket, mean, low, high, NULL, NULL, severity, count, numbers FROM ({whole}) ORDER BY 1"
    # With one max() and nothing like it, SQLite takes the other columns from the row that has it.
    last = (
        f"SELECT {bucket} AS bucket, max(time), last, text FROM ({parts}) "
        "WHERE last IS NOT NULL OR text IS NOT NULL GROUP BY 1"
    )
    return (
        "SELECT whole.bucket, mean, low, high, last, text, severity, count, numbers "
        f"FROM ({whole}) AS whole LEFT JOIN ({last}) AS newest USING (bucket) ORDER BY 1"
    )
