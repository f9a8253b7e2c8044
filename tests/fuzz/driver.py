"""Sends each case to an organization of its own, and looks at what it left behind."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox
from tests.fixtures.processes import MASTER_KEY
from tests.fuzz.mutations import Case
from tests.fuzz.wire import Answer, Wire
from tests.senders import SENDERS, Headers
from tests.world import World

WIRES = 8
TAKEN = {"processed", "queued", "ignored"}
REFUSALS = {
    400: {"not_json", "not_an_event", "not_storable"},
    401: {"not_genuine"},
    404: {"unknown_connection"},
    413: {"body_too_large"},
}
COUNTERS = {"connection_stats", "rate_limits"}
"""Tables that count; they hold nothing of a delivery."""

INBOX = {"webhook_events", "webhook_event_keys"}
ABOUT = {"exceptions", "outbox"}
"""Tables that may say something about a delivery that changed nothing."""


class Target(NamedTuple):
    """Where one case is delivered."""

    organization_id: UUID
    connection_id: UUID


class Result(NamedTuple):
    """What came of a case. outcomes: `status word` of each time it was sent."""

    case: Case
    target: Target
    outcomes: tuple[str, ...]
    wrong: tuple[str, ...]


def open_targets(world: World, providers: Sequence[str]) -> list[Target]:
    """For each provider named a new organization with one connection to it."""
    box = SecretBox(MASTER_KEY)
    organizations = world.rows(
        "select app.create_organization(name => 'Fuzz', slug => 'fuzz-' || u) as id"
        " from unnest(%s::uuid[]) as u",
        [uuid4() for _ in providers],
    )
    targets = [Target(row["id"], uuid4()) for row in organizations]
    world.execute(
        "insert into app.webhook_connections"
        " (organization_id, id, name, connection_type, webhook_secret, rate_limit_per_minute)"
        " select o, c, 'Fuzz', t, s, 1000"
        " from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bytea[]) as u (o, c, t, s)",
        [target.organization_id for target in targets],
        [target.connection_id for target in targets],
        list(providers),
        [
            seal_connection_secret(
                box,
                SENDERS[provider].secret,
                organization_id=target.organization_id,
                connection_id=target.connection_id,
            )
            for provider, target in zip(providers, targets, strict=True)
        ],
    )
    return targets


def headers_of(case: Case) -> Headers:
    """What vouches for the case, or does not."""
    sender = SENDERS[case.provider]
    rng = Random(case.number)
    match case.signing:
        case "genuine":
            return sender.genuine(case.body)
        case "none":
            return {}
        case "other secret":
            return sender.sign(case.body, "somebody else's secret")
        case "changed after":
            return sender.sign(case.body + b"!", sender.secret + "!")
        case _:
            good = sender.genuine(case.body)
            return {
                name: value
                if name == "content-type"
                else rng.choice(
                    [value[:-1], value[::-1], "", ",", "=", "t=,v1=", "\xff", "v1," * 500]
                )
                for name, value in good.items()
            }


def run_cases(
    world: World, port: int, cases: Sequence[Case], *, wires: int = WIRES
) -> list[Result]:
    """Deliver all cases and judge them. world: of the gateway's database, committing."""
    bystander, *targets = open_targets(world, ["stripe", *(case.provider for case in cases)])
    answers = asyncio.run(_deliver(port, list(zip(cases, targets, strict=True)), wires))
    left = _left_behind(world, bystander.organization_id)
    statuses = {
        row["organization_id"]: row["statuses"]
        for row in world.rows(
            "select organization_id, array_agg(status) as statuses from app.webhook_events"
            " where organization_id = any(%s) group by organization_id",
            [target.organization_id for target in targets],
        )
    }
    return [
        Result(
            case,
            target,
            tuple(_outcome(answer) for answer in answers[case.number]),
            tuple(
                _judge(
                    case,
                    answers[case.number],
                    left.get(target.organization_id, {}),
                    statuses.get(target.organization_id, []),
                )
            ),
        )
        for case, target in zip(cases, targets, strict=True)
    ]


def use_up(world: World, results: Sequence[Result]) -> list[str]:
    """Do with what was stored whatever is done with it later; what went wrong then."""
    wrong: list[str] = []
    stored = [result.target.organization_id for result in results if "200" in str(result.outcomes)]
    told = {result.target.organization_id: result.case.told() for result in results}
    queued = "select count(*) from app.webhook_events where status = 'queued'"
    attempt = 0
    while waiting := world.value(queued):
        attempt += 1
        tried = world.value(
            "select jobs.retry_webhook_events(1000000, now() + %s * interval '2 days')", attempt
        )
        if tried != waiting or attempt > 20:
            return [f"of {waiting} queued deliveries {tried} were tried again"]
    wrong += [
        f"{told.get(row['organization_id'])}: dead without an exception"
        for row in world.rows(
            "select w.organization_id from app.webhook_events as w"
            " where w.organization_id = any(%s) and w.status = 'dead' and not exists ("
            "   select from app.exceptions as e where e.organization_id = w.organization_id"
            "      and e.check_name = 'failed_delivery' and w.id = any (e.row_ids))",
            stored,
        )
    ]
    shown = "select count(app.mask_body(body)::text) from app.webhook_events where"
    try:
        world.value(f"{shown} organization_id = any(%s)", stored)
    except psycopg.Error:
        for organization_id in stored:
            try:
                world.value(f"{shown} organization_id = %s", organization_id)
            except psycopg.Error as error:
                sentence = error.diag.message_primary
                wrong.append(f"{told[organization_id]}: cannot be shown: {sentence}")
    return wrong


def tally(results: Sequence[Result]) -> Counter[str]:
    """How many deliveries ended in which way."""
    return Counter(outcome for result in results for outcome in result.outcomes)


def _outcome(answer: Answer) -> str:
    try:
        told = json.loads(answer.body)
        return f"{answer.status} {told['status'] if answer.status == 200 else told['code']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status} not understood"


async def _deliver(
    port: int, jobs: Sequence[tuple[Case, Target]], wires: int
) -> Mapping[int, Sequence[Answer]]:
    answers: dict[int, Sequence[Answer]] = {}
    waiting: Iterator[tuple[Case, Target]] = iter(jobs)

    async def sender() -> None:
        lines = [Wire(port), Wire(port)]
        for case, target in waiting:
            path = f"/hooks/{case.provider}/{target.connection_id}"
            headers = headers_of(case)
            answers[case.number] = await asyncio.gather(
                *(line.post(path, headers, case.body) for line in lines[: case.times])
            )
        for line in lines:
            line.close()

    await asyncio.gather(*(sender() for _ in range(wires)))
    return answers


def _left_behind(world: World, bystander: UUID) -> dict[UUID, dict[str, int]]:
    """Rows of each organization by table, beyond those of one that nobody delivered to."""
    tables = [
        row["table"]
        for row in world.rows(
            "select c.relname as table from pg_class as c"
            "  join pg_attribute as a on a.attrelid = c.oid and a.attname = 'organization_id'"
            " where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p')"
            "   and not c.relispartition"
        )
    ]
    left: dict[UUID, dict[str, int]] = {}
    for table in tables:
        if table in COUNTERS:
            continue
        counts = {
            row["organization_id"]: row["count"]
            for row in world.rows(
                f"select organization_id, count(*) from app.{table} group by organization_id"
            )
        }
        usual = counts.get(bystander, 0)
        for organization_id, count in counts.items():
            if count != usual:
                left.setdefault(organization_id, {})[table] = count - usual
    return left


def _judge(
    case: Case, answers: Sequence[Answer], left: Mapping[str, int], statuses: Sequence[str]
) -> Iterator[str]:
    outcomes = [_outcome(answer) for answer in answers]
    for answer in answers:
        yield from _judge_answer(case, answer)
    taken = [
        status
        for outcome in outcomes
        if outcome.startswith("200 ") and (status := outcome[4:]) in TAKEN
    ]
    refused = [outcome for outcome in outcomes if not outcome.startswith("200 ")]
    if refused:
        if taken or left:
            yield f"refused ({outcomes}), and yet it left {dict(left)}"
        return
    events = len(outcomes) if SENDERS[case.provider].each_counts else 1
    if len(taken) != events or outcomes.count("200 duplicate") != len(outcomes) - events:
        yield f"answered {outcomes}"
        return
    if sorted(statuses) != sorted(taken):
        yield f"answered {taken[0]}, stored as {list(statuses)}"
    if any(left.get(table) != events for table in INBOX):
        yield f"the inbox has {dict(left)}"
    effects = set(left) - INBOX - ABOUT
    if taken[0] != "processed" and effects:
        yield f"{taken[0]}, and yet it left {sorted(effects)}"
    if taken[0] == "queued" and "exceptions" not in left:
        yield "queued, and nobody is told"


def _judge_answer(case: Case, answer: Answer) -> Iterator[str]:
    outcome = _outcome(answer)
    if "x-request-id" not in answer.headers:
        yield "an answer without a request id"
    if answer.status == 200:
        if case.signing != "genuine":
            yield f"accepted: {outcome}"
        return
    if outcome[4:] not in REFUSALS.get(answer.status, set()):
        yield f"answered {outcome}: {answer.body[:200]!r}"
    elif answer.headers.get("content-type") != "application/problem+json":
        yield f"no problem document: {answer.headers}"
    elif answer.status == 401 and case.signing == "genuine":
        yield "genuine, and refused as forged"
