"""What a reader of an alert is told: headline, summary and grade."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pipeline.alerting.wording import facts, has_phrase, headline, possessive, state_name
from pipeline.model.article import Grade
from pipeline.model.enriched import Actor, Event
from tests.alerting.candidates import HOUR, Desk, candidate, said
from tests.stories.build import article, event

_EXPELLED = "Norway expels the United States' diplomats"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (event("premises-damaged", owner="AZE", city="Kyiv"), "Azerbaijan's embassy in Kyiv damaged"),
        (event("premises-damaged", owner="NLD"), "The Netherlands' embassy damaged"),
        (event("premises-damaged"), "Diplomatic premises damaged"),
        (event("ambassador-summoned", source=["NOR"], target=["FIN"]), "Norway summons Finland's ambassador"),
        (event("ambassador-summoned", target=["FIN"]), "Finland's ambassador summoned"),
        (
            event("diplomats-expelled", source=["NOR/GOV/MFA"], target=["USA"]),
            "Norway expels the United States' diplomats",
        ),
        (event("sanctions-changed", source=["EU"], target=["BOL"]), "The European Union changes sanctions on Bolivia"),
        (event("border-closed", source=["FIN"], target=["FIN"]), "Border closed"),
        (event("no-such-event"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else value.what,
)
def test_an_event_in_words(given: Event, text: str) -> None:
    told = replace(article("a"), actors=(Actor(id="EU", kind="organisation", name="European Union"),))
    assert headline(told, [given]) == text


def test_the_event_of_which_most_is_known_makes_the_headline() -> None:
    events = [event("premises-damaged"), event("ambassador-summoned", source=["NOR"], target=["FIN"])]
    assert headline(article("a"), events) == "Norway summons Finland's ambassador"
    assert facts(article("a"), events) == ("Diplomatic premises damaged.", "Norway summons Finland's ambassador.")


@pytest.mark.parametrize(("name", "whose"), [("Norway", "Norway's"), ("the Philippines", "the Philippines'")])
def test_possessives(name: str, whose: str) -> None:
    assert possessive(name) == whose


@pytest.mark.parametrize(
    ("code", "name"), [("NOR", "Norway"), ("USA", "the United States"), ("NLD", "the Netherlands"), ("XXX", None)]
)
def test_names_of_states(code: str, name: str | None) -> None:
    assert state_name(code) == name


def test_events_of_plover_at_large_have_no_headline() -> None:
    assert (has_phrase("coup"), has_phrase("demand")) == (True, False)


def test_without_a_headline_the_rule_has_its_title() -> None:
    [alert] = Desk().feed(candidate("a", headline=""))
    assert alert.headline == "Premises hit"


def test_the_headline_is_what_most_origins_report() -> None:
    desk = Desk()
    desk.feed(candidate("a", headline="Diplomatic premises damaged"))
    desk.feed(candidate("b", origins=["a", "b"]), HOUR)
    [alert] = desk.feed(candidate("c", origins=["a", "b", "c"]), HOUR)
    assert alert.headline == "Finland's embassy in Bergen damaged"


def test_the_summary_says_how_many_stand_behind_it_who_was_first_and_who_denies() -> None:
    desk = Desk()
    desk.feed(candidate("lake", facts=("A guard was hurt.", "Finland's embassy in Bergen damaged.")))
    desk.feed(candidate("copy", origin="lake", origins=["lake"]), HOUR)
    desk.feed(candidate("sea", origins=["lake", "sea"]), HOUR)
    denial = candidate(
        "fjord",
        holds=False,
        origins=["lake", "sea"],
        denies=True,
        claims=[said("forsvaret", "denies", actor="NOR/MIL", article="fjord")],
    )
    [alert] = desk.feed(denial, HOUR)
    assert alert.summary == (
        "Reported by 2 independent origins in 3 articles; first by Lake. A guard was hurt. Denied by Norway."
    )


@pytest.mark.parametrize(
    ("reports", "grade"),
    [
        ([("a", "B", [])], "B3"),
        ([("a", None, [])], "F3"),
        ([("a", "D", []), ("b", "B", [])], "B2"),
        ([("a", "C", []), ("b", None, []), ("c", None, [])], "C1"),
        ([("a", None, [said("a source", "asserts", anonymous=True)])], "F6"),
        ([("a", None, [said("the ministry", "confirms", actor="FIN/GOV/MFA")])], "F2"),
        ([("a", "B", [said("Oslo", "denies", actor="NOR")])], "B4"),
    ],
    ids=["one", "ungraded", "two", "three", "unnamed voices", "confirmed", "denied"],
)
def test_the_grade(reports: Sequence[tuple[str, Grade | None, list[object]]], grade: str) -> None:
    desk = Desk()
    origins: list[str] = []
    for name, reliability, claims in reports:
        origins.append(name)
        denies = any(claim.stance == "denies" for claim in claims)  # type: ignore[attr-defined]
        made = candidate(name, origins=origins, reliability=reliability, claims=claims, denies=denies)  # type: ignore[arg-type]
        [*_, alert] = desk.feed(made, len(origins) * HOUR)
    assert f"{alert.reliability.source}{alert.reliability.information}" == grade
