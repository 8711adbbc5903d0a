"""Three small stages with all the habits of the real ones, and articles for them.

An article's title says what becomes of it: its first word is its story; `fires` makes the rule `toy` hold, `refused`
is more than enrich can take, `jams` more than relate can, `unfoldable` gives a change that relate cannot fold.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import yaml

from pipeline.alerting.forgetting import without
from pipeline.alerting.rules import RuleSet, load_rules
from pipeline.engines.embedded import Embedded
from pipeline.model.alert import Alert, AlertArticle, LedgerEntry, Reason, Reliability, RuleRef, Times
from pipeline.model.article import Article, Source, article_id, revision_of
from pipeline.model.candidate import Action, Candidate, CorrelateInput
from pipeline.model.cloudevent import event
from pipeline.model.codec import decode, encode
from pipeline.model.enriched import EnrichedArticle, Language, Span, StoryRef
from pipeline.stage import AnyStage, Decision, Effect, Message, StateChange
from pipeline.topics import ALERTS, ARTICLES, CANDIDATES, ENRICHED, RAW, desk_topic

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUIET = timedelta(hours=1)


def article(
    number: int, title: str = "Quiet day", *, source: str = "gazette", fetched: datetime | None = None
) -> Article:
    """An article that differs from every other number's."""
    url = f"https://{source}.example/{number}"
    body = f"Text of article {number}, which {source} wrote."
    return Article(
        id=article_id(url, source, ""),
        url=url,
        source=Source(id=source),
        title=title,
        body=body,
        fetched=fetched,
        revision=revision_of(title, body),
    )


class Reading:
    """Enrich: knows no language."""

    name = "enrich"
    input = RAW
    outputs = (ENRICHED,)

    def empty(self) -> None:
        return None

    def decide(self, state: None, message: Message) -> Decision:  # noqa: ARG002
        raw = decode(message.value, Article)
        if "refused" in raw.title:
            raise ValueError("title: nobody can read this")
        fields = {name: getattr(raw, name) for name in Article.__struct_fields__}
        rules = ("toy",) if "fires" in raw.title else ()
        enriched = EnrichedArticle(**fields, language=Language(code="und", confidence=0.0, by=""), rules=rules)
        return Decision([Effect(ENRICHED, raw.id, encode(enriched))])

    def fold(self, state: None, change: StateChange) -> None:  # noqa: ARG002
        raise AssertionError("reading remembers nothing")

    def elsewhere(self) -> Callable[[], AnyStage]:
        return Reading


class Seen(msgspec.Struct, frozen=True):
    """A revision of an article that relate has decided."""

    article: str
    revision: str
    story: str
    stored: datetime
    spoiled: bool = False


class Relating:
    """Relate: repeats are dropped, the first word of a title is the story."""

    name = "relate"
    input = ENRICHED
    outputs = (ARTICLES, CANDIDATES)

    def empty(self) -> dict[str, list[Seen]]:
        return {}

    def decide(self, state: dict[str, list[Seen]], message: Message) -> Decision:
        given = decode(message.value, EnrichedArticle)
        if "jams" in given.title:
            raise KeyError("jammed")
        before = [seen for of in state.values() for seen in of if seen.article == given.id]
        if any(seen.revision == given.revision for seen in before):
            return Decision([])
        word = given.title.split()[0]
        story = state[word][0].article if word in state else given.id
        seen = Seen(
            article=given.id,
            revision=given.revision,
            story=word,
            stored=before[0].stored if before else message.now,
            spoiled="unfoldable" in given.title,
        )
        finished = msgspec.structs.replace(
            given, story=StoryRef(id=story, origin=given.id), stored=seen.stored, version=message.offset
        )
        effects = [Effect(ARTICLES, given.id, encode(finished))]
        effects += [Effect(CANDIDATES, rule, encode(_candidate(rule, finished, story))) for rule in given.rules]
        return Decision(effects, [StateChange(given.id, encode(seen))])

    def fold(self, state: dict[str, list[Seen]], change: StateChange) -> None:
        seen = decode(change.value, Seen)
        state.setdefault(seen.story, []).append(seen)
        if seen.spoiled:
            raise RuntimeError("spoiled")

    def dump(self, state: dict[str, list[Seen]]) -> bytes:
        return encode(state)

    def load(self, data: bytes) -> dict[str, list[Seen]]:
        return decode(data, dict[str, list[Seen]])

    def forget(self, state: dict[str, list[Seen]], articles: Collection[str]) -> None:
        for word, of in list(state.items()):
            state[word] = [seen for seen in of if seen.article not in articles]
            if not state[word]:
                del state[word]


def _candidate(rule: str, given: EnrichedArticle, story: str) -> Candidate:
    span = Span(field="title", start=0, end=len(given.title))
    return Candidate(
        rule=rule,
        story=story,
        article=AlertArticle(
            id=given.id, url=given.url, title=given.title, source=given.source, language="und", origin=given.id
        ),
        revision=given.revision,
        holds=True,
        because=(Reason(condition="title: fires", article=given.id, span=span, words=given.title),),
        claims=(LedgerEntry(speaker=given.source.id, stance="asserts", article=given.id, since=NOON),),
        origins=(given.id,),
    )


class Correlating:
    """Correlate: an alert a rule and story, resolved an hour after its last article, as soon as anything is heard."""

    name = "correlate"
    input = CANDIDATES
    outputs = (desk_topic("security"), ALERTS)

    def empty(self) -> dict[str, Alert]:
        return {}

    def decide(self, state: dict[str, Alert], message: Message) -> Decision:
        given = msgspec.json.decode(message.value, type=CorrelateInput)
        now = dict(state)
        sent = []
        for alert in sorted(state.values(), key=lambda alert: (alert.times.changed, alert.id)):
            due = alert.times.changed + QUIET
            if alert.change != "resolved" and due <= message.now:
                sent.append(_changed(alert, "resolved", due))
                now[alert.id] = sent[-1]
        if isinstance(given, Candidate):
            sent.append(_moved(now.get(_alert_id(given)), given, message.now))
        elif isinstance(given, Action) and given.alert in now:
            sent.append(msgspec.structs.replace(_changed(now[given.alert], "updated", message.now), acknowledged=True))
        effects = [effect for alert in sent for effect in _effects(alert)]
        return Decision(effects, [StateChange(alert.id, encode(alert)) for alert in sent])

    def fold(self, state: dict[str, Alert], change: StateChange) -> None:
        alert = decode(change.value, Alert)
        state[alert.id] = alert

    def dump(self, state: dict[str, Alert]) -> bytes:
        return encode(state)

    def load(self, data: bytes) -> dict[str, Alert]:
        return decode(data, dict[str, Alert])

    def forget(self, state: dict[str, Alert], articles: Collection[str]) -> None:
        for id_, alert in list(state.items()):
            left = without(alert, articles)
            if left:
                state[id_] = left
            else:
                del state[id_]


def _alert_id(given: Candidate) -> str:
    return article_id(None, given.rule, given.story)


def _changed(alert: Alert, change: Any, now: datetime) -> Alert:
    times = msgspec.structs.replace(alert.times, changed=now)
    return msgspec.structs.replace(alert, change=change, sequence=alert.sequence + 1, times=times)


def _moved(alert: Alert | None, given: Candidate, now: datetime) -> Alert:
    if alert is not None:
        return msgspec.structs.replace(
            _changed(alert, "updated", now),
            articles=(*alert.articles, given.article),
            because=alert.because + given.because,
            claims=alert.claims + given.claims,
            origins=len({article.origin for article in (*alert.articles, given.article)}),
        )
    return Alert(
        id=_alert_id(given),
        sequence=1,
        change="raised",
        rule=RuleRef(id=given.rule, version="1"),
        desk="security",
        severity="high",
        headline="Something fires",
        summary="",
        reliability=Reliability(source="F", information=6, why="a toy"),
        because=given.because,
        story=given.story,
        origins=1,
        articles=(given.article,),
        claims=given.claims,
        times=Times(raised=now, changed=now),
    )


def _effects(alert: Alert) -> list[Effect]:
    return [Effect(desk_topic("security"), alert.id, event(alert)), Effect(ALERTS, alert.id, encode(alert))]


def graph() -> tuple[AnyStage, ...]:
    """The three stages."""
    return Reading(), Relating(), Correlating()


@cache
def rule_set(*ids: str) -> RuleSet:
    """Rules of these ids, which nobody asks: the first stage decides by itself what holds."""
    rules = [{"id": id_, "title": id_, "desk": "security", "severity": "high", "when": "title: fires"} for id_ in ids]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "toys.yaml"
        path.write_text(yaml.safe_dump_all(rules), "utf-8")
        return load_rules(path)


def engine_at(path: Path | str, *, clock: Callable[[], datetime] = lambda: NOON, retention_days: int = 35) -> Embedded:
    """An engine that runs the three stages with the rule `toy`."""
    return Embedded(path, rule_set("toy"), clock=clock, retention_days=retention_days, graph=graph())


def settle(engine: Embedded) -> None:
    """Works until nothing is left to do."""
    while engine.process():
        pass
