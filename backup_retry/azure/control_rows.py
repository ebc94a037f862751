"""Pauses, heartbeats, storms, leases, arrivals and signals that wait, as rows of the table `control`, and back."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backup_retry.azure.table_columns import (
    Columns,
    Row,
    Unreadable,
    fit,
    json_text,
    new_row,
    shortened,
    written,
)
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind, Arrival
from backup_retry.domain.jobs import Source
from backup_retry.domain.pauses import Pause
from backup_retry.domain.texts import valid
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.policy.storm import Storm
from backup_retry.ports.inbox import DeferredSignal, Fields
from backup_retry.ports.known_vaults import SeenVault
from backup_retry.ports.ledger import LeftOpen
from backup_retry.ports.turns import Lease

CONTROL_PARTITION = "control"
SIGNAL_PARTITION = "signal"
VAULT_PARTITION = "vault"
#: the row key of the summary of notices that could not be sent
UNSENT = "unsent"
ARRIVAL_PARTITION = "arrival"


def pause_row(pause: Pause) -> Row:
    """A pause; each scope has one."""
    times = {"starts": pause.starts, "until": pause.until}
    said = {name: written(at) for name, at in times.items() if at}
    key = pause_key(pause.scope)
    return new_row(CONTROL_PARTITION, key, by=pause.by, why=pause.why, scope=pause.scope, **said)


def pause_key(scope: str) -> str:
    """The row key of a scope's pause; a row that somebody wrote by hand may have another."""
    return f"pause-{hashlib.sha256(scope.lower().encode()).hexdigest()[:32]}" if scope else "pause"


def read_pause(row: Mapping[str, Any]) -> Pause:
    """The pause that a row holds; a row that somebody wrote by hand may lack columns."""
    columns = Columns(row)
    return Pause(
        by=columns.text("by", "") or "somebody",
        why=columns.text("why", "") or "no reason given",
        until=columns.maybe_time("until") if row.get("until") else None,
        starts=columns.maybe_time("starts") if row.get("starts") else None,
        scope=columns.text("scope", ""),
    )


def held_pause(row: Mapping[str, Any]) -> Pause:
    """What an unreadable pause means: it holds, where it says so and else everywhere, until it is removed."""
    by, why, scope = (
        valid(value) if isinstance(value := row.get(name), str) else "" for name in ("by", "why", "scope")
    )
    told = f"{why or 'no reason given'} (its row cannot be read: the pause stays until retries are resumed)"
    return Pause(by=by or "somebody", why=told, scope=scope)


def beat_row(name: str, at: datetime, left: LeftOpen | None = None) -> Row:
    """A heartbeat."""
    counts = {"open_incidents": left.incidents, "approvals_waiting": left.approvals} if left else {}
    return new_row(CONTROL_PARTITION, beat_key(name), at=written(at), **counts)


def beat_key(name: str) -> str:
    """The row key of a heartbeat."""
    return f"beat-{name}"


def read_beat(row: Mapping[str, Any]) -> tuple[str, datetime]:
    """The name and the time of a heartbeat."""
    columns = Columns(row)
    return columns.text("RowKey").removeprefix("beat-"), columns.time("at")


def read_left_open(row: Mapping[str, Any]) -> LeftOpen:
    """What a follow-up's heartbeat says that it left open; those of earlier versions do not say it."""
    columns = Columns(row)
    return LeftOpen(
        incidents=columns.number("open_incidents", 0), approvals=columns.number("approvals_waiting", 0)
    )


def storm_row(storm: Storm) -> Row:
    """A storm."""
    times = {"released_at": storm.released_at, "due": storm.due, "telling_since": storm.telling_since}
    maybe = {name: written(at) for name, at in times.items() if at}
    maybe |= {"predecessor": storm.predecessor.id} if storm.predecessor else {}
    return new_row(
        CONTROL_PARTITION,
        storm_row_key(storm.key),
        vault=storm.vault.id,
        code=storm.code,
        began_at=written(storm.began_at),
        size=storm.size,
        canary=storm.canary.id,
        canary_incident=storm.canary_incident,
        led_at=written(storm.led_at),
        steps=storm.steps,
        counted=storm.counted,
        told=storm.told,
        **maybe,
    )


def storm_row_key(key: str) -> str:
    """The row key of a storm."""
    return f"storm-{key}"


def read_storm(row: Mapping[str, Any]) -> Storm:
    """The storm that a row holds."""
    columns = Columns(row)
    storm = Storm(
        vault=columns.vault("vault"),
        code=columns.text("code"),
        began_at=columns.time("began_at"),
        size=columns.number("size", 1),
        canary=columns.item("canary"),
        canary_incident=columns.text("canary_incident"),
        led_at=columns.time("led_at"),
        steps=columns.number("steps", 0),
        counted=columns.text("counted", ""),
        due=columns.maybe_time("due"),
        told=columns.truth("told") or False,
        telling_since=columns.maybe_time("telling_since"),
        released_at=columns.maybe_time("released_at"),
        predecessor=columns.item("predecessor") if columns.text("predecessor", "") else None,
    )
    if storm_row_key(storm.key) != row["RowKey"]:
        raise Unreadable("its key does not match its vault and code")
    return storm


def lease_row(lease: Lease) -> Row:
    """The lease of a turn."""
    times = {"until": lease.until, "began": lease.began, "told_at": lease.told_at}
    said = {name: written(at) for name, at in times.items() if at}
    return new_row(CONTROL_PARTITION, lease_key(lease.turn), holder=lease.holder, starts=lease.starts, **said)


def lease_key(turn: str) -> str:
    """The row key of a lease."""
    return f"lease-{turn}"


def read_lease(row: Mapping[str, Any]) -> Lease:
    """The lease that a row holds; one that does not say until when, or whose, is nobody's."""
    columns = Columns(row)
    return Lease(
        turn=columns.text("RowKey").removeprefix("lease-"),
        holder=columns.text("holder", ""),
        until=columns.maybe_time("until"),
        began=columns.maybe_time("began"),
        starts=columns.number("starts", 0),
        told_at=columns.maybe_time("told_at"),
    )


def unsent_row(unsent: UnsentNotices) -> Row:
    """The summary of notices that could not be sent."""
    return new_row(
        CONTROL_PARTITION,
        UNSENT,
        number=unsent.number,
        since=written(unsent.since),
        answer=fit(unsent.answer),
        tries=unsent.tries,
        due=written(unsent.due),
    )


def read_unsent(row: Mapping[str, Any]) -> UnsentNotices:
    """The summary that a row holds."""
    columns = Columns(row)
    return UnsentNotices(
        number=columns.number("number"),
        since=columns.time("since"),
        answer=columns.text("answer", ""),
        tries=columns.number("tries", 1),
        due=columns.time("due"),
    )


def seen_vault_row(seen: SeenVault) -> Row:
    """A vault that sweeps have seen."""
    gone = {"gone_since": written(seen.gone_since)} if seen.gone_since else {}
    return new_row(VAULT_PARTITION, vault_row_key(seen.vault), vault=seen.vault.id, **gone)


def vault_row_key(vault: Vault) -> str:
    """The row key of a vault."""
    return f"vault-{hashlib.sha256(vault.key.encode()).hexdigest()[:32]}"


def read_seen_vault(row: Mapping[str, Any]) -> SeenVault:
    """The vault that a row holds."""
    columns = Columns(row)
    return SeenVault(vault=columns.vault("vault"), gone_since=columns.maybe_time("gone_since"))


def arrival_row(arrival: Arrival) -> Row:
    """The newest alert of a kind for a vault."""
    named = {"vault": arrival.vault.id, "kind": arrival.kind.value}
    return new_row(ARRIVAL_PARTITION, arrival_key(arrival), at=written(arrival.at), **named)


def arrival_key(arrival: Arrival) -> str:
    """The row key of an arrival: each vault has one of each kind."""
    return f"arrival-{vault_row_key(arrival.vault).removeprefix('vault-')}-{arrival.kind.value}"


def read_arrival(row: Mapping[str, Any]) -> Arrival:
    """The arrival that a row holds."""
    columns = Columns(row)
    arrival = Arrival(
        vault=columns.vault("vault"), kind=columns.word("kind", AlertKind), at=columns.time("at")
    )
    if arrival_key(arrival) != row["RowKey"]:
        raise Unreadable("its key does not match its vault and kind")
    return arrival


def signal_row(signal: DeferredSignal) -> Row:
    """A signal that waits."""
    return new_row(
        SIGNAL_PARTITION, signal.key, kept_at=written(signal.kept_at), signal=json_text(dict(signal.fields))
    )


def deferred_row(signal: DeferredSignal) -> Row:
    """What changes of a signal that could not be processed."""
    row = new_row(SIGNAL_PARTITION, signal.key, looks=signal.looks, why=fit(signal.why))
    row |= {"due": written(signal.due)} if signal.due else {}
    return row | ({"told_at": written(signal.told_at)} if signal.told_at else {})


def signal_fields(fields: Fields) -> Fields:
    """What of a signal's fields has room in a row: all of it, unless somebody sends absurd names."""
    short: Fields = shortened(dict(fields))
    return short


def read_signal(row: Mapping[str, Any]) -> DeferredSignal:
    """The signal that a row holds."""
    columns = Columns(row)
    fields = columns.mapping("signal")
    if not all(isinstance(value, str) for value in fields.values()):
        raise Unreadable("column signal contains values other than text")
    said = Columns({name: value for name, value in fields.items() if value})
    said.word("source", Source, Source.ALERT)
    if not said.text("resource", ""):
        said.vault("vault")
    signal = DeferredSignal(
        kept_at=columns.time("kept_at"),
        fields=fields,
        looks=columns.number("looks", 0),
        why=columns.text("why", ""),
        due=columns.maybe_time("due"),
        told_at=columns.maybe_time("told_at"),
    )
    if signal.key != row["RowKey"]:
        raise Unreadable("its key does not match its signal")
    return signal
