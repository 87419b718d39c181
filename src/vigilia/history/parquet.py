"""The history as Parquet: the same columns as in CSV, in groups of rows, so that memory stays flat."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, BinaryIO

from vigilia.errors import StartError
from vigilia.history.backend import Row

_GROUP_ROWS = 100_000
"""Readers skip and load whole groups; ours are held in memory until they are written."""


class ParquetSink:
    """Writes rows into a file. Raises StartError where pyarrow is missing."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            arrow: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ModuleNotFoundError as error:
            raise StartError(
                f"the Python package {error.name}, which writes Parquet, is missing: "
                'run pip install "vigilia[parquet]", or export CSV'
            ) from error
        names = arrow.dictionary(arrow.int32(), arrow.string())
        self._schema = arrow.schema(
            [
                arrow.field("point", names, nullable=False),
                arrow.field("time", arrow.timestamp("ms", tz="UTC"), nullable=False),
                arrow.field("value", arrow.float64()),
                arrow.field("text", arrow.string()),
                arrow.field("severity", names, nullable=False),
                arrow.field("status", names, nullable=False),
            ]
        )
        self._table_of = arrow.Table.from_arrays
        self._array_of = arrow.array
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Take rows, and write them once there are enough for a group."""
        self._rows += rows
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file, without which it cannot be read."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        points, times, values, texts, severities, statuses = zip(*self._rows, strict=True)
        columns = (
            *(points, times, values, texts),
            [severity.name for severity in severities],
            [status.name for status in statuses],
        )
        arrays = [self._array_of(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._table_of(arrays, schema=self._schema))
        self._rows.clear()
