"""Recorded queries to Resource Graph, over the resources that their answers show."""

from dataclasses import replace

from tools.parity import items, jobs
from tools.parity.recordings import Recording, Reply
from tools.parity.stage import Json, Stage

_DISK: Json = {"workload": "Microsoft.Compute/disks", "name": "disk-01"}


async def graph(stage: Stage, recording: Recording) -> Reply:
    """The recorded query, over the resources that its answer shows."""
    body, asked = recording.reply.body, recording.body or {}
    rows = body["data"] if isinstance(body, dict) else []
    if not isinstance(rows, list) or not rows or "properties" not in rows[0]:
        return await _pages(stage, recording)
    owner = replace(recording, path=rows[0]["id"])
    if rows[0]["type"].endswith("/backupjobs"):
        jobs.perform(stage, owner, rows)
    elif rows[0]["type"].endswith("/backupinstances"):
        items.show_instances(stage, owner, rows)
    else:
        stage.set(owner, kind="backup", location=rows[0]["location"], tags=rows[0]["tags"])
    query = asked["query"]
    if rows[0]["type"].endswith("/backupinstances"):
        query = query.replace(rows[0]["name"], stage.item.name)
    return await stage.ask(recording, body={**asked, "query": query, "subscriptions": [owner.vault[0]]})


async def _pages(stage: Stage, recording: Recording) -> Reply:
    """Pages of three of the eight disks that the query finds; the token is the simulator's own."""
    asked = dict(recording.body or {})
    subscription = asked["subscriptions"][0]
    stage.set(
        replace(recording, path=f"/subscriptions/{subscription}"),
        *(_DISK | {"name": f"test-{number}"} for number in range(8)),
        kind="backup",
    )
    if "$skipToken" not in asked["options"]:
        return await stage.ask(recording)
    first = await stage.ask(recording, body=asked | {"options": {"$top": 3}})
    token = first.body["$skipToken"] if isinstance(first.body, dict) else ""
    return await stage.ask(recording, body=asked | {"options": {"$top": 3, "$skipToken": token}})
