"""Admiralty grade of an alert: how good its best source is, and how well its report is borne out."""

from collections.abc import Sequence
from typing import Literal, cast

from pipeline.alerting.case import Case, Entry
from pipeline.model.alert import Reliability
from pipeline.model.article import Grade

Information = Literal[1, 2, 3, 4, 5, 6]

SOURCES = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "not graded",
}


def grade(case: Case) -> Reliability:
    """The grade of what stands, with the reasons for both figures in a sentence each.

    The source is graded by the best outlet that stands by the report. The information starts from the number of
    independent origins (three: confirmed, two: probably true, one: possibly true; one that rests on unnamed voices
    cannot be judged), gains a step by an official confirmation, and loses one by a denial of a party.
    """
    origins = set(case.standing)
    standing = [entry for entry in case.entries if entry.holds and entry.article.origin in origins]
    best: Grade = min((entry.article.source.reliability or "F" for entry in standing), default="F")
    information, why = _information(case, standing)
    return Reliability(source=best, information=information, why=f"Best source {SOURCES[best]}; {why}.")


def _information(case: Case, standing: Sequence[Entry]) -> tuple[Information, str]:
    if not case.origins:
        return 5, "the report was taken back"
    origins = case.origins
    said = f"{origins} independent origin{'s' if origins > 1 else ''}"
    claims = [claim for entry in standing for claim in entry.claims if claim.stance in ("asserts", "confirms")]
    if origins == 1 and claims and all(claim.anonymous for claim in claims):
        return (5, f"{said}, unnamed voices, denied") if case.contradicted else (6, f"{said}, only unnamed voices")
    step = {1: 3, 2: 2}.get(origins, 1)
    if step > 1 and any(claim.stance == "confirms" and not claim.anonymous for claim in claims):
        step, said = step - 1, f"{said}, confirmed by a named party"
    if case.contradicted:
        step, said = step + 1, f"{said}, denied by a party"
    return cast("Information", step), said
