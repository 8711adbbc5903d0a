"""The measurements. Each runs in a process of its own and gives figures by name."""

import itertools
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from pipeline.alerting import rules as rules_module
from pipeline.alerting.rules import RuleSet, load_rules
from pipeline.engines import embedded
from pipeline.engines.embedded import Embedded
from pipeline.engines.records import Counts
from pipeline.enrich import enrich
from pipeline.model.alert import Alert
from pipeline.model.article import Article
from pipeline.model.codec import decode
from pipeline.model.enriched import EnrichedArticle
from pipeline.stage import StateChange
from pipeline.stories.relate import Relate
from pipeline.topics import ALERTS
from tests.bench import servers
from tests.bench.baseline import Baseline
from tests.bench.feeds import reading_feeds
from tests.bench.log import related
from tests.bench.polling import polling
from tests.bench.profile import profile
from tests.bench.texts import AVERAGE, dense_articles, long_articles, real_articles
from tests.eval.material import seed_articles

Figures = dict[str, float]
Given = TypeVar("Given")

ROUND = 24
"""Articles of a round."""

PROFILE = "profile"
"""The part that is measured only where it is named."""

STARTER = Path(rules_module.__file__).with_name("rules")
"""The starter pack."""


def reading(quick: bool, folder: Path | None = None) -> Figures:
    """What enrich and the baseline read in a second of one core's time, in rounds that take turns.

    In articles of `AVERAGE` characters, for ordinary text, for dense text and, where a folder of development sets is
    given, for its pages; `enrich dense` is the figure of a material, `enrich` the one that counts.
    """
    rules, baseline = RuleSet.starter(), Baseline()
    materials = {"": _batches(long_articles(480)), " dense": _batches(dense_articles(480))}
    if folder:
        materials[" pages"] = _batches(real_articles(folder))
    readers: dict[str, Callable[[Article], object]] = {
        "enrich": partial(enrich, rules=rules),
        "baseline": baseline.read,
    }
    _load_languages(rules)
    for batches in materials.values():
        _time(baseline.read, batches[0])
    spent: dict[str, float] = defaultdict(float)
    characters: dict[str, int] = defaultdict(int)
    rounds = 0
    until = time.monotonic() + (8 if quick else 30)
    while time.monotonic() < until or rounds < 4:
        for material, batches in materials.items():
            batch = batches[rounds % len(batches)]
            characters[material] += sum(len(article.body) for article in batch)
            for reader, read in readers.items():
                spent[reader + material] += _time(read, batch)
        rounds += 1
    figures = {
        reader + material: characters[material] / AVERAGE / spent[reader + material]
        for material in materials
        for reader in readers
    }
    return {
        **figures,
        "ratio": figures["enrich"] / figures["baseline"],
        "characters": characters[""] / rounds / ROUND,
        "rounds": rounds,
    }


def _load_languages(rules: RuleSet) -> None:
    """Reads the seeds once, so that the tables of every language are there before the clock starts."""
    for article in seed_articles().values():
        enrich(article, rules)


def _batches(given: Iterable[Article]) -> list[list[Article]]:
    articles = list(given)
    return [articles[start : start + ROUND] for start in range(0, len(articles), ROUND)]


def _time(work: Callable[[Given], Any], given: Sequence[Given]) -> float:
    """Seconds of this process's own time, which other programs on the machine do not lengthen."""
    start = time.process_time()
    for each in given:
        work(each)
    return time.process_time() - start


def starting(_: bool) -> Figures:
    """Seconds from the engine's start, with nothing loaded and the seeds waiting, to the first alert."""
    articles = _now(list(seed_articles().values()))
    alerted = threading.Event()

    def listen(counts: Counts) -> None:
        if counts.alerts:
            alerted.set()

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        engine = Embedded(Path(folder) / "wirewatch.db", RuleSet.starter())
        engine.append(articles)
        stop = threading.Event()
        worker = threading.Thread(target=engine.run, args=(stop, listen))
        worker.start()
        alerted.wait(120)
        seconds = time.perf_counter() - started
        stop.set()
        worker.join()
        engine.close()
    return {"first alert": seconds}


def end_to_end(quick: bool) -> Figures:
    """Articles a second from `append` to searchable, through the embedded engine on disk, while a backlog waits.

    A backlog before it, which is not measured, loads every language in this process and in those that help it.
    Processor time and memory are those of all of them.
    """
    count, before = (300, 400) if quick else (1200, 400)
    articles, rules = list(long_articles(before + count, seed=1)), RuleSet.starter()
    first, articles = articles[:before], articles[before:]
    _load_languages(rules)
    with tempfile.TemporaryDirectory() as folder:
        engine = Embedded(Path(folder) / "wirewatch.db", rules)
        _work_off(engine, first)
        started, busy = time.perf_counter(), _processor_time()
        _work_off(engine, articles)
        seconds, busy = time.perf_counter() - started, _processor_time() - busy
        counts, memory = engine.counts(), sum(map(_peak_memory, ["self", *_helpers()]))
        engine.close()
    if counts.searched < before + count:
        raise RuntimeError(f"only {counts.searched} of {before + count} articles became searchable")
    return {
        "rate": count / seconds,
        "core": count / busy,
        "articles": count,
        "alerts": counts.alerts,
        "memory": memory,
    }


def _work_off(engine: Embedded, articles: list[Article]) -> None:
    """Takes the articles in, out of the list, and works in rounds as large as those of `Embedded.run`."""
    while articles:
        engine.append(_now(articles[: embedded.ROUND]))
        del articles[: embedded.ROUND]
    while engine.process(embedded.ROUND):
        pass


def _helpers() -> list[str]:
    """Ids of the processes that this one has started; none where the system does not say."""
    threads = Path("/proc/self/task").glob("*/children")
    return [pid for children in threads for pid in children.read_text().split()]


def _processor_time() -> float:
    """Seconds of processor time that this process and its helpers have used."""
    ticks = 0
    for pid in _helpers():
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _now(articles: Sequence[Article]) -> list[Article]:
    """The same, just published and fetched."""
    now = datetime.now(UTC)
    return [msgspec.structs.replace(article, published=now, fetched=now) for article in articles]


def latency(quick: bool) -> Figures:
    """Milliseconds from fetched to alert at 50 articles a second, the engine at work in its own thread."""
    seconds, rate = (5, 50) if quick else (20, 50)
    articles, rules = list(long_articles(seconds * rate, seed=2)), RuleSet.starter()
    _load_languages(rules)
    fetched: dict[str, float] = {}
    alerted: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        engine = Embedded(Path(folder) / "wirewatch.db", rules)
        seen = itertools.count()
        offset = 0

        def listen(_: Counts) -> None:
            nonlocal offset
            now = time.perf_counter()
            for record in engine.reader.tail(ALERTS, offset):
                offset = record.offset
                next(seen)
                alerted.setdefault(decode(record.value, Alert).articles[-1].id, now)  # the one that changed it

        stop = threading.Event()
        worker = threading.Thread(target=engine.run, args=(stop, listen))
        worker.start()
        begin = time.perf_counter()
        for number, article in enumerate(articles):
            _wait_until(begin + number / rate)
            fetched[article.id] = time.perf_counter()
            engine.append(_now([article]))
        _drain(engine)
        stop.set()
        worker.join()
        changes = next(seen)
        engine.close()
    waits = sorted(1000 * (alerted[key] - fetched[key]) for key in alerted)
    if not waits:
        raise RuntimeError("no article alerted")
    return {
        "p50": _percentile(waits, 0.50),
        "p99": _percentile(waits, 0.99),
        "alerting": len(waits),
        "changes": changes,
        "memory": _peak_memory(),
    }


def _wait_until(moment: float) -> None:
    while (left := moment - time.perf_counter()) > 0:
        time.sleep(left)


def _drain(engine: Embedded) -> None:
    """Waits until every stage has handled all that came, at most a minute."""
    until = time.monotonic() + 60
    while any(engine.counts().lag.values()):
        if time.monotonic() > until:
            raise RuntimeError(f"a minute later the engine is still behind: {engine.counts().lag}")
        time.sleep(0.05)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def many_rules(quick: bool) -> Figures:
    """Milliseconds of one core's time an article costs with 10, 1,000 and 10,000 rules, in rounds that take turns."""
    starter = RuleSet.starter()
    batches = _batches(long_articles(96 if quick else 288))
    _load_languages(starter)
    read = [enrich(article, starter) for batch in batches[:4] for article in batch]
    figures: Figures = {}
    sets: dict[int, RuleSet] = {10: starter}
    with tempfile.TemporaryDirectory() as folder:
        for count in (1_000, 10_000):
            path = Path(folder) / f"{count}.yaml"
            path.write_text(yaml.safe_dump_all(_rules(count - 10, read), sort_keys=False, allow_unicode=True), "utf-8")
            started = time.perf_counter()
            sets[count] = load_rules(STARTER, path)
            figures[f"load {count}"] = time.perf_counter() - started
    spent = dict.fromkeys(sets, 0.0)
    for batch in batches:
        for count, rules in sets.items():
            spent[count] += _time(partial(enrich, rules=rules), batch)
    articles = sum(map(len, batches))
    for count, seconds in spent.items():
        figures[f"cost {count}"] = 1000 * seconds / articles
    figures["ratio"] = spent[10_000] / spent[10]
    return figures


def restoring(quick: bool) -> Figures:
    """Seconds of one core's time in which a worker reads relate's log, as for a million articles, and MB it takes.

    The MB are those of the articles read, as they do not grow evenly: new articles share features with older ones.
    """
    count, stage = 100_000 if quick else 300_000, Relate()
    restored, before = stage.empty(), _peak_memory()
    with stage.restoring(restored) as fold:
        seconds = _folding(fold, count)
        started = time.process_time()
    seconds += time.process_time() - started
    memory = _peak_memory() - before
    del restored
    folded = _folding(partial(stage.fold, stage.empty()), count)
    return {"restored": seconds * 1e6 / count, "folded": folded * 1e6 / count, "memory": memory}


def _folding(fold: Callable[[StateChange], None], count: int) -> float:
    """Seconds that a log takes, without those for making it."""
    seconds, log = 0.0, related(count)
    while batch := list(itertools.islice(log, 5_000)):
        seconds += _time(fold, batch)
    return seconds


def _rules(count: int, read: Sequence[EnrichedArticle]) -> list[dict[str, str]]:
    """Rules as desks write them, about what the articles have, so that many nearly hold and some do."""
    chance = random.Random(3)
    states = sorted({actor.id[:3] for article in read for actor in article.actors if actor.kind == "state"})
    cities = sorted({place.name for article in read for place in article.places if place.kind == "city"})
    happenings = sorted({event.what for article in read for event in article.events})
    words = sorted({word for article in read for word in article.body.split() if word.isalpha() and len(word) > 5})
    rules = []
    for number in range(count):
        state, other = chance.sample(states, 2)
        when = (
            f"events: {{ what: {chance.choice(happenings)} and status: (reported or claimed) and target: {state} }}",
            f'states: {state} and cities: "{chance.choice(cities)}" and not states: {other}',
            f'"{chance.choice(words)} {chance.choice(words)}" and states: {state}',
            f"happenings: {chance.choice(happenings)} and states: ({state} or {other}) and language: uk",
            f'body: "{chance.choice(words)}" and body: "{chance.choice(words)}"',
        )[number % 5]
        title = f"Bench rule {number}"
        rules.append({"id": f"bench-{number}", "title": title, "desk": "conflict", "severity": "low", "when": when})
    return rules


def _peak_memory(pid: str = "self") -> float:
    """Most memory a process has ever held, in MB."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


PARTS: dict[str, Callable[[bool], Figures]] = {
    "starting": starting,
    "reading": reading,
    "end to end": end_to_end,
    "latency": latency,
    "rules": many_rules,
    "servers": servers.stack,
    "scaling": servers.scaling,
    "restore": restoring,
    "sources": polling,
    "feeds": reading_feeds,
    PROFILE: partial(profile, now=_now),
}
