"""What a check answers: a question, how the answer is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum

#: the check of the settings
SETTINGS = "settings"
#: what a check asks, by the beginning of its name; what follows there is what it asks about
_QUESTIONS = {
    "identity": "Which identity is used?",
    "app": "Which app is it?",
    SETTINGS: "Are the settings valid?",
    "vaults": "Is any vault visible?",
    "alert route of ": "Do alerts of {} reach the app?",
    "webhook": "Does the app accept webhook calls?",
    "jobs of ": "Can the jobs of {} be read?",
    "permissions on ": "Are all permissions assigned on {}?",
    "alerts of ": "Does {} raise alerts for failed jobs?",
    "alerts from ": "Have alerts of {} arrived?",
    "access to ": "Does the app have access to {}?",
    "profiles": "Does every profile tag name an existing profile?",
    "tables": "Can the ledger be read?",
    "rows": "Can every row of the ledger be read?",
    "topic": "Does the Event Grid topic accept events?",
    "sweep": "Does the sweep{} run?",
    "follow-up": "Does the follow-up run?",
    "runs": "Do the timers run?",
}


class Verdict(StrEnum):
    """What a check found."""

    GOOD = "good"
    BAD = "bad"
    #: Azure does not let anybody say
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question with its answer."""

    name: str
    verdict: Verdict
    detail: str
    #: what to run or do; "" where nothing is to do
    mend: str = ""

    @property
    def question(self) -> str:
        """What it asks."""
        for beginning, question in _QUESTIONS.items():
            if self.name.startswith(beginning):
                return question.format(self.name.removeprefix(beginning))
        return f"{self.name}?"


def good(name: str, detail: str) -> Check:
    """It is as it should be."""
    return Check(name=name, verdict=Verdict.GOOD, detail=detail)


def bad(name: str, detail: str, mend: str) -> Check:
    """It is not."""
    return Check(name=name, verdict=Verdict.BAD, detail=detail, mend=mend)
