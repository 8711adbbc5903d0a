"""Laws of relate: whatever comes in whatever order, the log alone decides."""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.codec import encode
from pipeline.model.enriched import EnrichedArticle
from pipeline.stage import Decision, Message, restoring
from pipeline.stories.memory import Memory
from pipeline.stories.record import from_bytes, to_bytes
from pipeline.stories.relate import Relate
from tests.stories.build import NOON, article, claim, event

SENTENCES = (
    "The ferry Sunniva drifted for an hour towards the skerries after its engines had failed.",
    "Harbour master Aino Kettunen said that 112 passengers had been brought back to Tampere.",
    "A market hall in Oruro burned down and 47 stalls were lost, said fire chief Rosa Mamani.",
    "The embassy in Bergen was damaged by a falling crane, and a window was broken on each floor.",
    "Officials denied that anything had happened and promised a statement by the evening of Monday.",
)


@st.composite
def articles(draw: st.DrawFn) -> EnrichedArticle:
    """One of a few articles, in one of a few revisions, from one of a few outlets."""
    body = " ".join(draw(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4)))
    damaged = event("premises-damaged", owner=draw(st.sampled_from(["FIN", "BOL"])), city="Bergen")
    return article(
        draw(st.sampled_from("abcdef")),
        draw(st.sampled_from(["Ferry", "Market"])),
        body,
        source=draw(st.sampled_from(["one", "two"])),
        name=draw(st.sampled_from(["", "Harbour Telegraph"])),
        owner=draw(st.sampled_from([None, "north"])),
        language=draw(st.sampled_from(["en", "nb"])),
        persons=draw(st.lists(st.sampled_from(["Aino Kettunen", "Rosa Mamani"]), unique=True)),
        cities=draw(st.lists(st.sampled_from(["Tampere", "Oruro"]), unique=True)),
        events=[damaged] if draw(st.booleans()) else [],
        claims=[claim("Helsinki", "denies", actor="FIN")] if draw(st.booleans()) else [],
        withdraws=draw(st.booleans()),
        rules=draw(st.lists(st.sampled_from(["x", "y"]), unique=True)),
    )


logs = st.lists(st.tuples(articles(), st.integers(0, 20 * 24)), max_size=12)
"""Articles, each with the hours since the one before."""


def messages(log: Sequence[tuple[EnrichedArticle, int]]) -> list[Message]:
    hours, made = 0, []
    for offset, (each, after) in enumerate(log, 1):
        hours += after
        made.append(Message(each.id, encode(each), offset, NOON + timedelta(hours=hours)))
    return made


def run(log: Sequence[Message], state: Memory | None = None) -> tuple[list[Decision], Memory]:
    stage = Relate()
    state = stage.empty() if state is None else state
    decisions = []
    for message in log:
        decision = stage.decide(state, message)
        for change in decision.changes:
            stage.fold(state, change)
        decisions.append(decision)
    return decisions, state


def folded(decisions: Sequence[Decision]) -> Memory:
    stage = Relate()
    state = stage.empty()
    for decision in decisions:
        for change in decision.changes:
            stage.fold(state, change)
    return state


@given(logs)
def test_the_same_log_gives_the_same_decisions(log: Sequence[tuple[EnrichedArticle, int]]) -> None:
    assert run(messages(log)) == run(messages(log))


@given(logs, st.data())
def test_killed_anywhere_and_folded_again_it_goes_on_the_same(
    log: Sequence[tuple[EnrichedArticle, int]], data: st.DataObject
) -> None:
    whole, state = run(messages(log))
    cut = data.draw(st.integers(0, len(log)))
    again = folded(whole[:cut])
    rest, end = run(messages(log)[cut:], again)
    assert (whole[:cut] + rest, end) == (whole, state)


@given(logs, st.data())
def test_dumped_and_loaded_anywhere_it_goes_on_the_same(
    log: Sequence[tuple[EnrichedArticle, int]], data: st.DataObject
) -> None:
    whole, state = run(messages(log))
    cut = data.draw(st.integers(0, len(log)))
    loaded = Relate().load(Relate().dump(folded(whole[:cut])))
    rest, end = run(messages(log)[cut:], loaded)
    assert (whole[:cut] + rest, end) == (whole, state)


@given(logs, st.data(), st.sampled_from([2, 128]))
def test_restored_from_anywhere_it_goes_on_as_if_folded_one_by_one(
    log: Sequence[tuple[EnrichedArticle, int]], data: st.DataObject, most: int
) -> None:
    with patch("pipeline.stories.memory.POSTINGS", most):
        whole, state = run(messages(log))
        cut = data.draw(st.integers(0, len(log)))
        end = data.draw(st.integers(cut, len(log)))
        restored = folded(whole[:cut])
        with restoring(Relate(), restored) as fold:
            for decision in whole[cut:end]:
                for change in decision.changes:
                    fold(change)
        assert restored == folded(whole[:end])
        assert run(messages(log)[end:], restored) == (whole[end:], state)


@given(logs, st.data())
def test_records_without_lengths_are_weighed_when_they_are_folded(
    log: Sequence[tuple[EnrichedArticle, int]], data: st.DataObject
) -> None:
    stage = Relate()
    one_by_one, restored = stage.empty(), stage.empty()
    with stage.restoring(restored) as fold:
        for decision in run(messages(log))[0]:
            for change in decision.changes:
                if data.draw(st.booleans()):
                    older = msgspec.structs.replace(from_bytes(change.value), lengths=None)
                    change = change._replace(value=to_bytes(older))
                stage.fold(one_by_one, change)
                fold(change)
    assert restored == one_by_one


@given(logs)
def test_deciding_alters_nothing(log: Sequence[tuple[EnrichedArticle, int]]) -> None:
    decisions, state = run(messages(log))
    for message in messages(log):
        Relate().decide(state, message._replace(offset=1000))
    assert state == folded(decisions)


@given(logs)
def test_a_message_delivered_twice_causes_nothing_more(log: Sequence[tuple[EnrichedArticle, int]]) -> None:
    twice = [message for message in messages(log) for _ in range(2)]
    decisions, state = run(twice)
    assert all(not decision.effects and not decision.changes for decision in decisions[1::2])
    assert (decisions[::2], state) == run(messages(log))


@given(logs)
def test_every_revision_is_sent_once_and_stays_in_the_story_of_the_first(
    log: Sequence[tuple[EnrichedArticle, int]],
) -> None:
    decisions, _ = run(messages([(each, min(after, 24)) for each, after in log]))
    seen: dict[str, list[str]] = {}
    for (each, _), decision in zip(log, decisions, strict=True):
        assert bool(decision.effects) == (each.revision not in seen.get(each.id, []))
        if decision.effects:
            seen.setdefault(each.id, []).append(each.revision)


def test_nothing_depends_on_the_seed_of_hashes() -> None:
    script = (
        "import hashlib\n"
        "from tests.stories.test_laws import SENTENCES, article, messages, run\n"
        "log = [(article(str(n), 'T', ' '.join(SENTENCES[n % 5:] + SENTENCES[:n % 3]), persons=['Rosa Mamani'],"
        " rules=['x', 'y']), n) for n in range(20)]\n"
        "print(hashlib.sha256(repr(run(messages(log))[0]).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
