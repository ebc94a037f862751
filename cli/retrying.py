"""What `backup-retry retry` does: what is meant by its options, whom it asks, and one retry after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, in_words
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.domain.labels import OUTCOMES, STATES, reason
from backup_retry.engine.failed_jobs import failure_of, unrecovered
from backup_retry.engine.freshness import fresh_since
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.reports import Closed
from cli.exit_codes import UsageError, agreed
from cli.item_search import Found, find
from cli.journal import closed_within
from cli.session import Session

NOTHING_FAILED = "The vault shows no unresolved failed backup of it."


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was typed: items, or what failed in a vault, with a code, or both."""

    items: Sequence[str]
    vault: str
    code: str
    #: how far back closed incidents are looked at
    days: int

    def check(self) -> None:
        """Return where it is one or the other; raises UsageError."""
        if not (self.items or self.vault or self.code):
            raise UsageError("Specify items, --vault or --code.")
        if self.items and (self.vault or self.code):
            raise UsageError("Items cannot be combined with --vault or --code.")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What would be retried."""

    found: Found
    error: str = ""
    #: the state of its incident, in words
    condition: str = "Not in the ledger"

    @property
    def item(self) -> ProtectedItem:
        """Whose backup it is."""
        return self.found.item


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who wants the retries, and whether that person has to be asked about closed incidents."""

    name: str
    agrees: bool
    can_be_asked: bool

    def wants_again(self, closed: Incident) -> bool:
        """Whether a closed incident is to be retried all the same."""
        if self.agrees or not self.can_be_asked or closed.outcome is None:
            return self.agrees
        why = closed.detail or reason(closed.reason)
        agreed(
            f"Its incident is closed ({OUTCOMES[closed.outcome]}, {closed.reason}): {why} Retry it anyway?",
            can_ask=True,
        )
        return True


@dataclass(kw_only=True)
class Retried:
    """What became of many."""

    reports: list[Report] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def retry_one(
    session: Session, found: Found, person: Person, *, run_began: datetime | None = None
) -> Report | None:
    """Advance the item's open incident, or have its failure handled; None when nothing has failed."""
    known = (await session.ledger.load(found.item)).incident
    if known is not None and known.is_open:
        return await session.engine.advance(known, run_began=run_began)
    failed = await _failure(session, found, run_began)
    if failed is None:
        return None
    report = await session.engine.handle(failed, Source.OPERATOR, run_began=run_began)
    closed = report.incident if report.decision == "already_handled" else None
    if closed is None or not _may_be_opened(closed) or not person.wants_again(closed):
        return report
    opened = await session.engine.approvals.reopen(closed, person.name)
    return await session.engine.advance(opened, run_began=run_began) if opened else report


async def retry_many(session: Session, chosen: Sequence[Candidate], person: Person) -> Retried:
    """One after the other, with one look at each vault a minute; what one meets holds up no other."""
    done, began = Retried(), session.clock()
    for each in chosen:
        try:
            report = await retry_one(session, each.found, person, run_began=began)
        except BackupRetryError as error:
            done.problems.append(f"{each.item.friendly_name}: {in_words(error)}")
            continue
        if report is None:
            done.problems.append(f"{each.item.friendly_name}: {NOTHING_FAILED}")
        else:
            done.reports.append(report)
    return done


async def candidates(session: Session, choice: Choice) -> Sequence[Candidate]:
    """The items that were named, or what is open or requires action and failed as the options say.

    Raises:
        UsageError: an item or a vault is none or several, or nothing failed so.
    """
    if not choice.items:
        return await _failed_so(session, choice)
    named = [await find(session, each) for each in choice.items]
    found = list({each.item.key: each for each in named}.values())
    known = [(await session.ledger.load(each.item)).incident for each in found]
    return [
        _of(each, incident) if incident else Candidate(found=each)
        for each, incident in zip(found, known, strict=True)
    ]


async def _failed_so(session: Session, choice: Choice) -> Sequence[Candidate]:
    opened = [each for each in await session.ledger.open_incidents() if each.is_open and not each.has_no_job]
    found = [_of(Found(item=each.item), each) for each in opened]
    found += _closed({each.item.key for each in opened}, await closed_within(session, choice.days), session)
    vault, code = choice.vault, choice.code
    fitting = [
        each for each in found if _is_in(each.item.vault, vault) and code.lower() in {"", each.error.lower()}
    ]
    vaults = {each.item.vault.key: each.item.vault.id for each in fitting} if vault else {}
    if len(vaults) > 1:
        listed = ", ".join(sorted(vaults.values()))
        raise UsageError(
            f"--vault {vault}: {len(vaults)} vaults have that name; specify one by its ARM ID: {listed}"
        )
    if not fitting:
        said = " ".join([f"--vault {vault}"] * bool(vault) + [f"--code {code}"] * bool(code))
        raise UsageError(f"{said}: no open incident, and none closed within {choice.days} days, matches.")
    return fitting


async def _failure(session: Session, found: Found, run_began: datetime | None) -> FailedJob | None:
    failed = await failure_of(session.vaults, found.job, found.item) if found.job else None
    if failed is None:
        fresh = fresh_since(session.clock(), run_began)
        seen = await unrecovered(session.vaults, found.item.vault, fresh - JOB_RETENTION, fresh, found.item)
        failed = max(seen.failures, key=FailedJob.weight, default=None)
        if failed is None and seen.gap:
            raise AzureUnavailable(seen.gap)
    return failed


def _may_be_opened(closed: Incident) -> bool:
    """False for one that recovered, and for what nobody can retry from here.

    What was only evaluated in a dry run is retried without a question once DRY_RUN is off.
    """
    has_failed = closed.outcome is not None and not closed.outcome.recovered
    return has_failed and not closed.rehearsed and closed.reason is not Reason.UNSUPPORTED


def _of(found: Found, incident: Incident) -> Candidate:
    condition = OUTCOMES[incident.outcome] if incident.outcome else STATES[incident.state]
    return Candidate(found=found, error=incident.failure.error.label, condition=condition)


def _closed(taken: set[str], closed: Sequence[Closed], session: Session) -> list[Candidate]:
    """Of each item the last incident, where it requires action, or was a dry run that is over."""
    found, now = [], session.clock()
    for each in closed:  # newest first
        was_rehearsed = each.reason is Reason.DRY_RUN and not session.settings.dry_run
        waits = each.at(now).needs_a_person and each.reason is not Reason.UNSUPPORTED
        if each.item.key not in taken and not each.item.is_vault and (waits or was_rehearsed):
            candidate = Candidate(
                found=Found.of_closed(each), error=each.last_error, condition=OUTCOMES[each.outcome]
            )
            found.append(candidate)
        taken.add(each.item.key)
    return found


def _is_in(vault: Vault, name: str) -> bool:
    return name.lower() in {"", vault.name.lower(), vault.key}
