"""Phrases that an Azure engineer stumbles over, what to say instead, and where the phrases are in a file.

Say what the Azure portal, Azure Monitor and Azure Backup call a thing, in short active sentences.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

#: a pattern of whole words in any case, whose spaces may be line breaks → what to say
BETTER = {
    r"needs? (a|any|no) person": "Action required; needs your attention",
    r"used up|uses up": "Retries exhausted",
    r"looked after": "In progress",
    r"recovered without (us|a person)": "Recovered by another backup; recovered automatically",
    r"left alone": "No action taken",
    r"last good": "Last recovery point",
    r"heard (of|from)|hears of": "Failure detected (source: alert)",
    r"claimed a retry": "Retry reserved",
    r"turn(s|ed)? (the retry |it )?down": "Azure rejected the retry",
    r"puts? (the retry )?off": "Azure throttled the retry; postponed",
    r"no clear answer|unclear answers?": "Response lost: outcome unknown",
    r"is due then": "is due at 03:15 UTC",
    r"it has just ended": "Closed, notification pending",
    r"called so": "No items match this filter; named",
    r"nothing is known yet": "No protected items found yet",
    r"reloads? by itself": "Auto-refresh: on",
    r"failures and recoveries a day": "Failures and recoveries per day",
    r"when it should have": "is overdue",
    r"somebody has to look": "action required",
    r"the oldest waits": "Oldest: 5 min",
    r"rehears(e|es|ed|al|als|ing)": "Dry run",
    r"mend|mends|mended|mending": "fix, resolve",
    r"a backup is being started": "A backup would be started",
    r"asks and stops": "Inspect, query and pause",
    r"tak(e|es|en) back": "Remove",
    r"is over already": "is in the past",
    r"rightly": "correctly",
    r"\d+ doubled|doubled and late": "duplicates",
    r"rights": "permissions",
    r"at work": "is running",
    r"told at once|no alert (told|tells)": "anything no alert reported",
    r"(person|people) (has been |have been |has to be |is |was |are |were )told": "an operator is notified",
    r"(somebody|nobody) (has been |has to be |is |was )told": "is notified",
    r"(tell|tells|told) (a person|people|somebody|nobody)": "notify an operator",
    r"(tell|tells|told|telling) of": "report",
    r"says? of": "reports about",
    r"for ever": "indefinitely",
    r"(fail|fails|failed|begin|end) alike": "with the same error",
    r"stands? (in|for|there|beside|behind|twice)": "is in; represents; is next to",
    r"bears?|bore": "has, carries",
    r"(look|looks|looked) into": "processed",
    r"kept signals?|signals? kept": "deferred alerts",
    r"weigh|weighs|weighed": "evaluated",
    r"(in order of|by) worth": "by backup type (full > differential > log)",
    r"wants? it done": "requires",
    r"believes? of": "assume",
    r"beside": "in addition to, next to",
    r"anew": "again",
    r"of late|lately": "recently",
    r"nobody (knows|can say|says|can tell)": "is not known",
    r"(let|lets|letting) (it|them|one|retries|some) go": "approve, start",
    r"is no (JSON|XML|text|time|event|list|object|job|name|id|address|schedule|month|value|window|tag)": "is not a …",
    r"both kinds of vault": "Recovery Services vaults and Backup vaults",
    r"so many items": "Number of items",
    r"may be touched": "in scope",
    r"everything but the trigger": "Evaluate everything, start nothing",
    r"the house on one page": "architecture overview",
    r"wonder later": "recorded with the incident",
    r"all is well|not all is well": "No problems found",
    r"(it|they) goes? on by (itself|themselves)": "continues automatically",
    r"longer than nothing|nothing or longer": "positive; zero or longer",
}
_SPOKEN = frozenset({tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)})
_VALUE = re.compile(r"\{[^{}]*\}")
#: between two words: white space, a comment's mark, quotes between the parts of a text
_SPACE = r"(?:[\"'\s]|f(?=[\"'])|#:?(?=\s))+"
#: in small letters, as is what it is looked for in: a pattern without case takes four times as long
_STUMBLING = re.compile(rf"\b(?:{'|'.join(BETTER)})\b".lower().replace(" ", _SPACE))


def stumbling(path: Path) -> list[str]:
    """Each phrase of the list in a file that a person reads, with its line."""
    text = path.read_text(encoding="utf-8")
    found = phrases(text)
    if found and path.suffix == ".py":
        found = phrases(_spoken(text))
    return [f"{path.name}:{line}: {phrase}" for line, phrase in found]


def phrases(text: str) -> list[tuple[int, str]]:
    """The phrases of the list in a text, each with the line that it begins on."""
    return [(text.count("\n", 0, each.start()) + 1, each[0]) for each in _STUMBLING.finditer(text.lower())]


def _spoken(code: str) -> str:
    """Python code without what only Python reads: its comments and texts, each on its line."""
    rows = [""] * (code.count("\n") + 2)
    for token in _tokens(code):
        for row, line in enumerate(_words(token).split("\n"), token.start[0] - 1):
            rows[row] += f" {line}"
    return "\n".join(rows)


def _words(token: tokenize.TokenInfo) -> str:
    """The token's text; of an f-string without the values in it, which are code."""
    is_format = token.type == tokenize.STRING and "f" in token.string.partition(token.string[-1])[0].lower()
    return _VALUE.sub("", token.string) if is_format else token.string


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    every = tokenize.generate_tokens(io.StringIO(code).readline)
    return (token for token in every if token.type in _SPOKEN)
