"""Azure Resource Manager, as a case tells it: both kinds of vault answer with the case's own JSON."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.cases.case import PARTS, VAULT_ID, Json, id_of, name_of, part_of

_PAGE = 500
_FILTER_TIME = re.compile(r"startTime eq '([^']+)'")
_OPERATION = "/operations/"
_ABOVE_THE_ITEM = frozenset({"resourcenotfound", "resourcegroupnotfound", "subscriptionnotfound"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as it came, its path unquoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def starts_a_backup(self) -> bool:
        """True for a trigger, in either kind of vault."""
        return self.method == "POST" and self.path.lower().endswith("/backup")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; a text is sent as it stands, anything else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ResourceManager:
    """Answers about vaults. What is asked of a vault is answered with what has that vault's id, or no id at all."""

    clock: Callable[[], datetime]
    parts: dict[str, Json] = field(default_factory=dict)
    #: {"match": part of a path, "method", "status", "body", "headers", "times"}: the first that fits is the answer
    answers: list[Json] = field(default_factory=list)
    url: str = ""
    #: by the number of a trigger that was accepted, the job that it started
    _operations: dict[int, str] = field(default_factory=dict)
    #: when the jobs that fail by themselves do so, by their names
    _ends: dict[str, datetime] = field(default_factory=dict)
    _triggers: int = 0

    def learn(self, parts: Mapping[str, Json], answers: Sequence[Json] | None) -> None:
        """Answer so from now on; what is not named stays."""
        for name in PARTS:
            self.parts.setdefault(name, {}).update(deepcopy(dict(parts.get(name, {}))))
        if answers is not None:
            self.answers = [dict(each) for each in answers]

    def appear(self, job: Json) -> None:
        """A job that is new, in the kind of vault that its id names."""
        self._part(str(job.get("id", ""))).setdefault("jobs", []).insert(0, deepcopy(job))

    def change(self, name: str, properties: Json) -> None:
        """A job's properties change, wherever it is shown; its ARM id does for its name."""
        wanted = name.lower().rpartition("/")[2]
        for job in self._all("jobs", "details"):
            if name_of(job) == wanted:
                job["properties"] = {**part_of(job), **properties}

    def protect(self, state: str) -> None:
        """The items' protection state changes: that of the instances, or of protected items where there are none."""
        instances = self.parts["dpp"].get("items", [])
        key = "currentProtectionState" if instances else "protectionState"
        for item in instances or self.parts["rsv"].get("items", []):
            item["properties"] = {**part_of(item), key: state}

    def answer(self, call: Call) -> Reply:
        """The answer to one request."""
        for each in self.answers:
            if _fits(each, call):
                each["times"] = each.get("times", -1) - 1
                return _told(each)
        if call.path.lower().startswith(_OPERATION):
            return self._operation(int(call.path.rsplit("/", 1)[-1]))
        return self._of_a_vault(call)

    def _of_a_vault(self, call: Call) -> Reply:
        path = call.path.lower()
        if self._is_gone(path):
            return _refusal(404, self._part(path)["missing_code"])
        if call.starts_a_backup:
            return self._trigger(call)
        kind, _, name = path.removeprefix(_vault_of(path)).strip("/").partition("/")
        match (kind, bool(name)):
            case ("backupjobs", False):
                return self._page(self._jobs(call), call)
            case ("backupprotecteditems" | "backupinstances", False):
                return self._page(self._of(path, "items"), call)
        return self._one(kind, name, path)

    def _one(self, kind: str, name: str, path: str) -> Reply:
        if kind == "backupjobs":
            return self._job(path, name)
        return self._policy(path, name) if kind == "backuppolicies" else self._item(path)

    def _item(self, path: str) -> Reply:
        found = next((each for each in self._of(path, "items") if id_of(each) == path), None)
        return Reply(body=found) if found else self._missing(path, "BMSUserErrorDataSourceObjectNotFound")

    def _policy(self, path: str, name: str) -> Reply:
        policies = self._part(path).get("policies", {})
        found = next((policies[each] for each in policies if each.lower() == name), None)
        return Reply(body=found) if found else self._missing(path, "BMSUserErrorPolicyNotFound")

    def _job(self, path: str, name: str) -> Reply:
        jobs = self._of(path, "details", "jobs")
        found = next((each for each in jobs if name_of(each) == name), None)
        return Reply(body=self._by_now(found)) if found else self._missing(path, "JobNotFound")

    def _missing(self, path: str, code: str) -> Reply:
        """404; a case may say with which code an item is missing."""
        item = "/protecteditems/" in path or "/backupinstances/" in path
        return _refusal(404, self._part(path).get("missing_code", code) if item else code)

    def _jobs(self, call: Call) -> list[Json]:
        """The vault's jobs; those of a Recovery Services vault as far as they began in the window that is asked for."""
        jobs = [self._by_now(each) for each in self._of(call.path, "jobs")]
        asked = _FILTER_TIME.search(call.query.get("$filter", ""))
        if asked is None:
            return jobs
        since = datetime.strptime(asked[1], "%Y-%m-%d %I:%M:%S %p").replace(tzinfo=UTC)
        return [each for each in jobs if _time(part_of(each).get("startTime")) >= since]

    def _by_now(self, job: Json) -> Json:
        """A job of ours that has its end ahead is still running."""
        if self.clock() >= self._ends.get(name_of(job), self.clock()):
            return job
        running = {
            key: value for key, value in part_of(job).items() if key not in {"endTime", "errorDetails"}
        }
        return {**job, "properties": {**running, "status": "InProgress"}}

    def _page(self, values: Sequence[Json], call: Call) -> Reply:
        first = int(call.query.get("$skipToken", "0"))
        body: Json = {"value": values[first : first + _PAGE]}
        if len(values) > first + _PAGE:
            asked = {**call.query, "$skipToken": str(first + _PAGE)}
            body["nextLink"] = f"{self.url}{call.path}?{urlencode(asked)}"
        return Reply(body=body)

    # ---- triggers ------------------------------------------------------------------------------------------

    def _trigger(self, call: Call) -> Reply:
        """The next of the answers to a trigger, or the last one again; accepted, it starts the job that it names."""
        self._triggers += 1
        part = self._part(call.path)
        answers: list[Json] = part.get("trigger") or [{"status": 202}]
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        request_id = call.headers.get("x-ms-client-request-id", "")
        code = said.get("fail") or part.get("fail")
        started = said.get("job") or (self._failing(part, call.path, code) if code else None)
        if started:
            self._operations[self._triggers] = self._start(started, request_id)
        headers = dict(said.get("headers") or {})
        if said["status"] == 202:
            headers = {"Azure-AsyncOperation": f"{self.url}{_OPERATION}{self._triggers}", **headers}
        return _told({**said, "headers": headers})

    def _start(self, job: Json, request_id: str) -> str:
        """The job in its vault's list, with the caller's request id as both kinds of vault keep it."""
        started = deepcopy(job)
        key = "activityID" if _is_backup_vault(str(job.get("id", ""))) else "activityId"
        started.setdefault("properties", {})[key] = request_id
        self.appear(started)
        return str(started.get("id") or started["name"])

    def _failing(self, part: Json, path: str, code: str) -> Json:
        """A job like the item's last one, that runs for twenty minutes from now and fails with that code."""
        like = deepcopy(_last_of(path, [*part.get("details", []), *part.get("jobs", [])]))
        name = f"{0x900000 + self._triggers:08x}-1111-4222-8333-444444444444"
        began, self._ends[name] = self.clock() + timedelta(seconds=5), self.clock() + timedelta(minutes=20)
        error = {**(part_of(like).get("errorDetails") or [{}])[0]}
        key = "code" if _is_backup_vault(path) else "errorTitle"
        if error.get(key) != code:
            error.pop("errorCode", None)  # the number of another failure
        error[key] = code
        times = {"startTime": _text(began), "endTime": _text(self._ends[name])}
        new = {**part_of(like), **times, "status": "Failed", "errorDetails": [error]}
        return {**like, "id": f"{like['id'].rpartition('/')[0]}/{name}", "name": name, "properties": new}

    def _operation(self, number: int) -> Reply:
        """What became of a trigger: its job is there at once, or does not appear."""
        job = self._operations.get(number)
        if job is None:
            return Reply(body={"id": str(number), "name": str(number), "status": "InProgress"})
        job_id = job if _is_backup_vault(job) else job.rsplit("/", 1)[-1]
        now = _text(self.clock())
        properties = {"objectType": "OperationStatusJobExtendedInfo", "jobId": job_id}
        status = {"status": "Succeeded", "startTime": now, "endTime": now, "properties": properties}
        return Reply(body={"id": str(number), "name": str(number), **status})

    # ---- what there is -------------------------------------------------------------------------------------

    def _part(self, path: str) -> Json:
        return self.parts["dpp" if _is_backup_vault(path) else "rsv"]

    def _is_gone(self, path: str) -> bool:
        """True where nothing is shown and the code of what is missing speaks of the vault, or of something above."""
        part = self._part(path)
        return part.get("missing_code", "").lower() in _ABOVE_THE_ITEM and not self._of(path, "jobs", "items")

    def _of(self, path: str, *lists: str) -> list[Json]:
        """The resources of the vault that is asked: those with its id, and those that bear no vault's."""
        vault = _vault_of(path).lower()
        found = [each for name in lists for each in self._part(path).get(name, [])]
        return [each for each in found if _vault_of(id_of(each)) in {"", vault}]

    def _all(self, *lists: str) -> Iterable[Json]:
        return (each for part in self.parts.values() for name in lists for each in part.get(name, []))


def _last_of(path: str, jobs: Sequence[Json]) -> Json:
    """The last of the jobs that name the item in that path, or the last of all."""
    item = path.lower().removesuffix("/backup")

    def names_it(job: Json) -> bool:
        names = [part_of(job).get(key) for key in ("backupInstanceId", "containerName")]
        return any(str(each).lower() in item for each in names if each)

    return ([each for each in jobs if names_it(each)] or list(jobs))[-1]


def _fits(answer: Json, call: Call) -> bool:
    wanted = str(answer.get("match", "")).lower()
    method = answer.get("method") or call.method
    return answer.get("times", -1) != 0 and wanted in call.path.lower() and method.upper() == call.method


def _told(answer: Json) -> Reply:
    headers = {str(key): str(value) for key, value in (answer.get("headers") or {}).items()}
    return Reply(body=answer.get("body"), status=int(answer.get("status", 200)), headers=headers)


def _refusal(status: int, code: str) -> Reply:
    return Reply(status=status, body={"error": {"code": code, "message": code}})


def _is_backup_vault(arm_id: str) -> bool:
    return "microsoft.dataprotection" in arm_id.lower()


def _vault_of(arm_id: str) -> str:
    found = VAULT_ID.match(arm_id)
    return found[0] if found else ""


def _time(text: object) -> datetime:
    """A time as Azure writes it; one that cannot be read is now or later, so that its job is listed."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_text(body: Any) -> str:
    """A body as it is sent."""
    return body if isinstance(body, str) else json.dumps(body)
