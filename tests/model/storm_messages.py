"""What people are told of storms: of one that lasts for a day once, and of none twice."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from backup_retry.domain.incident import Incident
from backup_retry.domain.notices import Notice, NoticeKind
from backup_retry.policy.storm import LONGEST_STORM, Storm
from tests.model.restraint import WhyNot


@dataclass
class StormMessages:
    """Every storm by its code, vault and beginning, and the notices that a person is needed."""

    #: by a storm's key, when it began: as it was last stored
    storms: dict[str, dict[datetime, Storm]] = field(default_factory=lambda: defaultdict(dict))
    #: by a storm's beginning and code, the ids of the notices: what is told twice under one id is told once
    told: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def saved(self, storm: Storm) -> None:
        """A storm was stored."""
        self.storms[storm.key][storm.began_at] = storm

    def published(self, notice: Notice) -> WhyNot | None:
        """A notice reached the topic."""
        if notice.kind is not NoticeKind.STORM_NEEDS_PERSON:
            return None
        ids = self.told[notice.data["stormBeganAt"], notice.data["error"]]
        ids.add(notice.id)
        return (
            WhyNot(5, f"a storm of {notice.data['error']} was told {len(ids)} times")
            if len(ids) > 1
            else None
        )

    def of_item(self, incident: Incident) -> bool:
        """Whether a person was told of a storm of the item's vault that was over when the incident was closed."""
        return any(
            (storm.began_at.isoformat(), storm.code) in self.told
            for storms in self.storms.values()
            for storm in storms.values()
            if storm.vault.key == incident.item.vault.key
            and incident.closed_at is not None
            and storm.began_at + LONGEST_STORM <= incident.closed_at
        )

    def at_peace(self) -> WhyNot | None:
        """What a storm's row says of its message is true."""
        for storms in self.storms.values():
            for began_at, storm in storms.items():
                untold = (began_at.isoformat(), storm.code) not in self.told
                if storm.told and untold:
                    return WhyNot(5, f"nobody was told of the storm of {storm.code}, and its row says so")
        return None
