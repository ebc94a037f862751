"""An acknowledgement as columns of a row, and back."""

from backup_retry.azure.table_columns import Columns, Row, written
from backup_retry.domain.acknowledgements import Acknowledgement


def acknowledgement_columns(known: Acknowledgement | None) -> Row:
    """The columns; none where nobody has acknowledged."""
    if known is None:
        return {}
    row: Row = {"ack_by": known.by, "ack_note": known.note, "ack_error": known.error}
    return row | ({"ack_until": written(known.until)} if known.until else {})


def read_acknowledgement(columns: Columns) -> Acknowledgement | None:
    """The acknowledgement that the columns hold."""
    if "ack_by" not in columns.names:
        return None
    return Acknowledgement(
        by=columns.text("ack_by"),
        note=columns.text("ack_note", ""),
        error=columns.text("ack_error", ""),
        until=columns.maybe_time("ack_until"),
    )
