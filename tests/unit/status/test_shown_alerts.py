"""Last alert received, on the status page."""

from dataclasses import replace
from datetime import timedelta

from backup_retry.domain.arrivals import AlertKind
from backup_retry.ports.arrivals import VaultAlerts
from status.filters import Filters
from status.html import page_answer
from status.page import page
from tests.builders import NOW, vault
from tests.status_world import backups, dashboard, snapshot

PORTAL = "https://portal.cloud.test"


def test_when_alerts_last_arrived_is_shown_by_vault_and_kind() -> None:
    """Open where some are missing, with a sentence at the top; a filter leaves other vaults out."""
    last = {AlertKind.BACKUP_ALERT: NOW - timedelta(days=2)}
    missing = VaultAlerts(vault=vault(), last=last, unalerted=5)
    known = dashboard(backups(good=range(14)))
    seen = snapshot(known, alerts=[missing, replace(missing, vault=vault("v-2"), unalerted=0)])
    found = page(seen, [], Filters(), {}, PORTAL)
    body = page_answer(found).body
    assert "5 failures in vault vault-1 were found by the sweep and none by an alert." in found.notes[0]
    assert ('<details class="alerts" open>' in body, ">2 days</time> ago" in body) == (True, True)
    assert [each.vault.name for each in page(seen, [], Filters(vault="v-2"), {}, PORTAL).alerts] == ["v-2"]
