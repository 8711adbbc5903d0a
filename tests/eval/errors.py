"""What went wrong, article by article, with the words that misled: the tool for tuning `enrich`."""

from collections import Counter
from collections.abc import Iterator

from pipeline.model.enriched import Actor, EnrichedArticle, Event, Facility, Place, Span
from tests.eval.material import Case
from tests.eval.scoring import Reading, fold, match_statements, read_by_pipeline, wanted

AROUND = 50
"""Characters of context on both sides of a mention."""


def errors(kind: str, cases: list[tuple[Case, EnrichedArticle]]) -> Iterator[str]:
    """Lines for every article with a wrong or missing label of `kind`, then the labels most often wrong."""
    missing: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    flawed = 0
    for case, article in cases:
        reading = read_by_pipeline(article)
        lines = list(_statements(case, reading)) if kind == "claims" else list(_labels(kind, case, article, reading))
        if not lines:
            continue
        flawed += 1
        yield f"{case.id} [{case.expect.language}] {article.title}"
        for verdict, label, detail in lines:
            (missing if verdict == "missing" else wrong)[label] += 1
            yield f"    {verdict:8} {label}{'  ' + detail if detail else ''}"
        yield from (f"    {line}" for line in _background(kind, case, article))
        yield ""
    yield f"{flawed} of {len(cases)} articles have errors in {kind}"
    for name, counter in (("missing", missing), ("wrong", wrong)):
        common = ", ".join(f"{label} {count}" for label, count in counter.most_common(15))
        yield f"{name:8} {counter.total():4}  {common}"


Line = tuple[str, str, str]


def _labels(kind: str, case: Case, article: EnrichedArticle, reading: Reading) -> Iterator[Line]:
    got, want = reading.labels[kind], wanted(case.expect)[kind]
    for label in sorted(want - got):
        yield "missing", label, ""
    for label in sorted(got - want):
        yield "wrong", label, _evidence(kind, label, article)


def _evidence(kind: str, label: str, article: EnrichedArticle) -> str:
    """Where in the text the label was read."""
    spans: list[Span] = []
    if kind == "rules":
        spans = [each.span for each in article.because if each.rule == label]
    elif kind == "states":
        spans = [span for each in article.actors if each.id[:3] == label for span in each.mentions]
    elif kind == "organisations":
        spans = [span for each in article.actors if each.id == label for span in each.mentions]
    elif kind == "cities":
        named = [each for each in article.places if f"{fold(each.name)}/{each.country}" == label]
        spans = [span for each in named for span in each.mentions]
    elif kind == "facilities":
        kinds = [each for each in article.facilities if f"{each.kind}/{each.owner or '-'}" == label]
        spans = [span for each in kinds for span in each.mentions]
    elif kind == "language":
        return f"{article.language.confidence:.2f} by {article.language.by}"
    return " | ".join(quote(article, span) for span in spans[:3])


def quote(article: EnrichedArticle, span: Span) -> str:
    """The words of a span in brackets, with what stands around them."""
    text: str = getattr(article, span.field)
    before, after = text[max(0, span.start - AROUND) : span.start], text[span.end : span.end + AROUND]
    return f"{before}[{text[span.start : span.end]}]{after}".replace("\n", " ")


def _statements(case: Case, reading: Reading) -> Iterator[Line]:
    for statement, said in match_statements(reading.statements, case.expect.claims):
        about = f"“{statement.speaker}” {statement.stance}: {statement.about}"
        if said is None:
            yield "missing", statement.stance, about
        elif said.stance != statement.stance:
            yield "wrong", f"{said.stance} for {statement.stance}", about


def _background(kind: str, case: Case, article: EnrichedArticle) -> Iterator[str]:
    """What helps to see why."""
    if kind == "rules":
        yield from (f"event    {describe(event, article)}" for event in article.events)
    elif kind == "facilities":
        yield from (f"read     {_name(each)} {_words(each, article)}" for each in article.facilities)
    elif kind == "claims":
        for claim in article.claims:
            anonymous = " (anonymous)" if claim.speaker.anonymous else ""
            yield f"read     “{claim.speaker.text}”{anonymous} {claim.stance}: {claim.about[:100]}"
    if case.why:
        yield f"label    {case.why}"


def describe(event: Event, article: EnrichedArticle) -> str:
    """An event in a line."""
    parts = [event.what, event.status, f"{'+'.join(event.source) or '-'} > {'+'.join(event.target) or '-'}"]
    if event.facility:
        parts.append(f"at {event.facility.id}")
    if event.place:
        parts.append(f"in {event.place.name}/{event.place.country}")
    return f"{'  '.join(parts)}  “{quote(article, event.words[0] if event.words else event.span)}”"


def show(case: Case, article: EnrichedArticle) -> Iterator[str]:
    """Everything read in one article beside everything expected."""
    yield f"{case.id} {article.url or ''}"
    yield f"{article.title}\n\n{article.body}\n"
    reading, want = read_by_pipeline(article), wanted(case.expect)
    for kind, labels in want.items():
        got = reading.labels[kind]
        marks = [
            *sorted(got & labels),
            *(f"-{label}" for label in sorted(labels - got)),
            *(f"+{label}" for label in sorted(got - labels)),
        ]
        yield f"{kind:14} {'  '.join(marks)}"
    for actor in article.actors:
        yield f"actor          {actor.id} {actor.kind} {'; '.join(actor.roles)} {_words(actor, article)}"
    for place in article.places:
        yield f"place          {place.name}/{place.country} {place.kind} {_words(place, article)}"
    for facility in article.facilities:
        yield f"facility       {_name(facility)} {_words(facility, article)}"
    for event in article.events:
        yield f"event          {describe(event, article)}"
    for reason in article.because:
        yield f"because        {reason.rule}: {reason.condition} {quote(article, reason.span)}"
    for line in _background("claims", case, article):
        yield f"claim          {line}"
    if article.withdraws:
        yield f"withdraws      {quote(article, article.withdraws)}"


def _name(facility: Facility) -> str:
    return f"{facility.kind}/{facility.owner or '-'}/{facility.city or '-'}/{facility.country or '-'}"


def _words(found: Actor | Place | Facility, article: EnrichedArticle) -> str:
    words = [getattr(article, span.field)[span.start : span.end] for span in found.mentions]
    return ", ".join(f"“{word}” {count}x" if count > 1 else f"“{word}”" for word, count in Counter(words).items())
