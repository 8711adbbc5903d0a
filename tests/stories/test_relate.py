from datetime import timedelta
from typing import Any

import msgspec
import pytest

from pipeline.model.codec import InvalidError, decode, encode
from pipeline.model.enriched import EnrichedArticle, Event
from pipeline.stage import Message
from pipeline.stories.record import unpack
from pipeline.stories.relate import Relate
from tests.stories.build import NOON, Related, article, candidates, claim, event, origin

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FERRY = (
    "TAMPERE - The ferry Sunniva drifted for an hour towards the skerries after its engines had failed, said harbour "
    "master Aino Kettunen. Two tugs held it off the rocks. All 112 passengers were brought back to the town, where "
    "buses were waiting. The company Lakelines spoke of water in a fuel tank and promised to pay for 340 cancelled "
    "tickets. It was the third failure of the ship this year, and the union called for an inquiry by Monday."
)
FERRY_RU = (
    "ТАМПЕРЕ - Паром «Суннива» около часа дрейфовал к скалам после отказа двигателей, сообщила начальник порта Айно "
    "Кеттунен. Два буксира удержали его. Всех 112 пассажиров доставили в город, где их ждали автобусы. Компания "
    "Лейклайнс говорит о воде в баке и обещает оплатить 340 билетов. Это третья авария судна за год."
)
FERRY_OWN = (
    "Passengers of the Sunniva, which lost power off Tampere on Monday, were given tea and life vests. Kalle Ranta, "
    "52, who travels every week, told us that an alarm had been ringing since Sunday. Harbour master Aino Kettunen "
    "confirmed that 112 people were on board. Engineer Pekka Salo of the yard in Turku doubts the story of the water."
)
MARKET = (
    "A market hall in Oruro burned down in the night. Fire chief Rosa Mamani said that 47 stalls were lost and that "
    "a gas bottle had exploded. Traders who had slept inside escaped through a window at the back of the building."
)


def ferry(key: str = "ferry", **rest: Any) -> EnrichedArticle:
    given = {"title": "Ferry adrift", "body": FERRY, "persons": ["Aino Kettunen"], "cities": ["Tampere"], **rest}
    return article(key, **given)


def ferry_own(key: str = "own", **rest: Any) -> EnrichedArticle:
    given = {"title": "An hour aboard", "body": FERRY_OWN, "persons": ["Aino Kettunen"], "cities": ["Tampere"], **rest}
    return article(key, **given)


def ferry_russian(key: str = "ru", **rest: Any) -> EnrichedArticle:
    given = {
        "title": "Паром в дрейфе",
        "body": FERRY_RU,
        "language": "ru",
        "persons": ["Айно Кеттунен"],
        "cities": ["Tampere"],
        **rest,
    }
    return article(key, **given)


def market(key: str = "market") -> EnrichedArticle:
    return article(key, "Fire in a market", MARKET, persons=["Rosa Mamani"], cities=["Oruro"])


class TestIdentity:
    def test_a_repeat_causes_nothing(self) -> None:
        related = Related()
        related.feed(ferry())
        assert related.feed(ferry(), HOUR) == ((), ())

    def test_a_revision_that_comes_back_causes_nothing(self) -> None:
        related = Related()
        related.feed(ferry())
        related.feed(ferry(body=FERRY + " Corrected."), HOUR)
        assert related.feed(ferry(), 2 * HOUR).effects == ()

    def test_a_new_revision_stays_in_its_story_and_keeps_the_time_of_the_first(self) -> None:
        related = Related()
        first = related.finish(ferry())
        second = related.finish(ferry(title="Quite another headline", body=MARKET), HOUR)
        assert (second.story, second.stored, second.version) == (first.story, NOON, 2)

    @pytest.mark.parametrize(
        ("title", "body", "edited"),
        [
            ("", FERRY + " (Corrects a typo.)", "wording"),
            ("", FERRY.replace(",", " –"), "wording"),
            ("Another headline altogether", FERRY, "material"),
            ("", FERRY + " Police said 47 people had been taken to hospital.", "material"),
            ("", MARKET, "material"),
        ],
        ids=["a few words", "punctuation", "the title", "a number", "the text"],
    )
    def test_an_edit_is_material_or_one_of_wording(self, title: str, body: str, edited: str) -> None:
        related = Related()
        assert related.finish(ferry()).edited is None
        assert related.finish(ferry(title=title or ferry().title, body=body), HOUR).edited == edited

    def test_an_edit_replaces_what_the_article_was_known_by(self) -> None:
        related = Related()
        related.finish(ferry(body=MARKET, persons=["Rosa Mamani"], cities=["Oruro"]))
        related.finish(ferry(), HOUR)
        again = related.finish(ferry_own(), 2 * HOUR)
        other = related.finish(market(), 3 * HOUR)
        assert [again.story and again.story.id, other.story and other.story.id] == [ferry().id, market().id]

    def test_after_35_days_an_article_is_new(self) -> None:
        related = Related()
        related.feed(ferry())
        assert related.feed(ferry(), 34 * DAY).effects == ()
        assert related.finish(ferry(), 36 * DAY).stored == NOON + 36 * DAY

    def test_what_is_past_its_window_is_forgotten(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"], events=[event("coup", target=["FIN"])]))
        related.feed(market(), 40 * DAY)
        assert list(related.state.articles) == [bytes.fromhex(market().id)]
        assert list(related.state.stories) == [bytes.fromhex(market().id)]


class TestStories:
    def test_another_report_of_the_same_joins(self) -> None:
        assert len(set(Related().stories([ferry(), market(), ferry_own()]))) == 2

    def test_a_report_in_another_language_joins(self) -> None:
        assert len(set(Related().stories([ferry(), market(), ferry_russian(persons=["Aino Kettunen"])]))) == 2

    def test_a_story_is_named_after_its_first_article(self) -> None:
        assert Related().stories([ferry(), ferry_own()]) == [ferry().id] * 2

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (
                event("premises-damaged", owner="FIN", city="Bergen"),
                event("premises-damaged", owner="BOL", city="Bergen"),
            ),
            (
                event("premises-damaged", owner="FIN", city="Bergen"),
                event("premises-damaged", owner="FIN", city="Oruro"),
            ),
            (
                event("ambassador-summoned", source=["NOR"], target=["FIN"]),
                event("ambassador-summoned", source=["NOR"], target=["BOL"]),
            ),
        ],
        ids=["another owner", "another city", "another ambassador"],
    )
    def test_facts_that_contradict_keep_stories_apart(self, one: Event, other: Event) -> None:
        first = "Officials in Bergen spoke of the matter on Monday and promised a statement by the evening."
        second = "In Bergen a statement was read out on Monday evening; officials said nothing of what comes next."
        stories = Related().stories(
            [
                article("one", "Monday", first, states=["NOR"], cities=["Bergen"], events=[one]),
                article("two", "A statement", second, states=["NOR"], cities=["Bergen"], events=[other]),
            ]
        )
        assert len(set(stories)) == 2

    def test_a_fortnight_later_it_is_another_story(self) -> None:
        related = Related()
        related.finish(ferry())
        later = related.finish(ferry_own(), 14 * DAY)
        assert later.story
        assert later.story.id == ferry_own().id


class TestMergedStories:
    def merged(self) -> tuple[Related, EnrichedArticle]:
        """Two reports that share too little, and a third that shares much with both."""
        related = Related()
        first, second = FERRY_OWN.split(" Harbour master ")
        related.feed(ferry_own("one", body=first, persons=["Kalle Ranta"], rules=["a"]))
        other = f"Harbour master {second} The yard is closed."
        related.feed(ferry_own("two", body=other, persons=["Pekka Salo"], cities=[], rules=["b"]), HOUR)
        return related, related.finish(ferry_own("three", persons=["Kalle Ranta", "Pekka Salo"]), 2 * HOUR)

    def test_the_older_takes_in_the_younger(self) -> None:
        _, third = self.merged()
        assert third.story
        assert (third.story.id, third.story.merged) == (ferry_own("one").id, (ferry_own("two").id,))

    def test_later_revisions_follow_the_redirect(self) -> None:
        related, _ = self.merged()
        edited = related.finish(ferry_own("two", title="Corrected"), 3 * HOUR)
        assert edited.story
        assert edited.story.id == ferry_own("one").id

    def test_its_rules_concern_what_comes_after(self) -> None:
        related, _ = self.merged()
        made = candidates(related.feed(ferry_own("four", title="x", withdraws=True), 3 * HOUR))
        assert {each.rule for each in made} == {"a", "b"}


class TestOrigins:
    def test_an_own_report_is_an_origin(self) -> None:
        related = Related()
        related.finish(ferry())
        assert origin(related.finish(ferry_own(), HOUR)) == ferry_own().id

    @pytest.mark.parametrize(
        "copy",
        [
            ferry("copy", title="Another headline"),
            ferry("copy", body=f"What a night it was for many of us. {FERRY[:330]}"),
            ferry_russian("copy", name="b"),
            ferry_own("copy", source="source-ferry"),
            ferry_own("copy", body=f"{FERRY_OWN} It was the Lakeside Courier that broke the news."),
        ],
        ids=["copy", "cut", "translation", "same outlet", "credit"],
    )
    def test_no_second_origin(self, copy: EnrichedArticle) -> None:
        related = Related()
        related.finish(ferry(name="Lakeside Courier", owner="lake"))
        assert origin(related.finish(copy, HOUR)) == ferry().id

    def test_outlets_of_one_owner_are_one_origin(self) -> None:
        related = Related()
        related.finish(ferry(owner="lake"))
        assert origin(related.finish(ferry_own(owner="lake"), HOUR)) == ferry().id

    def test_two_that_credit_one_agency_are_one_origin(self) -> None:
        related = Related()
        related.finish(ferry(body=f"{FERRY} (Reuters)"))
        assert origin(related.finish(ferry_own(body=f"{FERRY_OWN} (Reuters)"), HOUR)) == ferry().id

    def test_a_reprint_names_what_it_reprints(self) -> None:
        related = Related()
        related.finish(ferry())
        copy = related.finish(ferry("copy", title="Another headline"), HOUR)
        assert copy.story
        assert copy.story.duplicate_of == ferry().id


class TestCandidates:
    def test_for_every_rule_that_holds(self) -> None:
        made = candidates(Related().feed(ferry(rules=["a", "b"])))
        assert [(each.rule, each.holds, each.origins) for each in made] == [
            ("a", True, (ferry().id,)),
            ("b", True, (ferry().id,)),
        ]

    def test_and_for_those_that_have_held_in_the_story(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"], events=[event("coup")]))
        made = candidates(related.feed(ferry_own(rules=["b"], claims=[claim("Oslo", "denies", event="coup")]), HOUR))
        assert [(each.rule, each.holds, each.origins) for each in made] == [
            ("b", True, (ferry_own().id,)),
            ("a", False, (ferry().id,)),
        ]

    def test_none_where_it_has_nothing_to_say_on_the_matter(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"], events=[event("coup")]))
        assert candidates(related.feed(ferry_own(), HOUR)) == []

    def test_none_where_no_rule_ever_held(self) -> None:
        assert candidates(Related().feed(ferry())) == []

    def test_a_reprint_adds_no_origin(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"]))
        [made] = candidates(related.feed(ferry("copy", title="x", rules=["a"]), HOUR))
        assert made.origins == (ferry().id,)

    def test_an_edit_takes_its_origin_away(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"]))
        related.feed(ferry_own(rules=["a"]), HOUR)
        [made] = candidates(related.feed(ferry(title="Corrected"), 2 * HOUR))
        assert (made.replaces, made.holds, made.origins) == (True, False, (ferry_own().id,))

    def test_arrival_is_that_of_the_first_revision(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"]))
        [made] = candidates(related.feed(ferry(title="New", rules=["a"]), DAY))
        assert made.stored == NOON

    @pytest.mark.parametrize(
        ("given", "denies"),
        [
            ({"claims": [claim("Helsinki", "denies", actor="FIN/GOV/MFA", event="coup")]}, True),
            ({"claims": [claim("Helsinki", "denies", actor="FIN")]}, True),
            ({"claims": [claim("Oslo", "denies", actor="NOR", event="coup")]}, False),
            ({"claims": [claim("Helsinki", "denies", actor="FIN", event="sanctions-changed")]}, False),
            ({"claims": [claim("Helsinki", "asserts", actor="FIN", event="coup")]}, False),
            ({"claims": [claim("a clerk", "denies", event="coup")]}, False),
            ({"events": [event("coup", target=["FIN"], status="denied")]}, True),
            ({"claims": [claim("Helsinki", "denies", actor="FIN")], "rules": ["a"]}, False),
            ({}, False),
        ],
        ids=[
            *("a party", "a party, its point", "a third state", "something else", "asserts", "nobody", "denied event"),
            *("a party, of something, in a report", "no claim"),
        ],
    )
    def test_whether_a_party_denies(self, given: dict[str, Any], denies: bool) -> None:
        related = Related()
        related.feed(ferry(rules=["a"], events=[event("coup", target=["FIN"])]))
        made = candidates(related.feed(ferry_own(**given), HOUR))
        assert any(each.denies for each in made) is denies

    def test_a_withdrawal_reaches_the_alert(self) -> None:
        related = Related()
        related.feed(ferry(rules=["a"]))
        [made] = candidates(related.feed(ferry_own(source="source-ferry", withdraws=True), HOUR))
        assert (made.withdraws, made.article.origin) == (True, ferry().id)


def test_a_record_stays_near_500_bytes() -> None:
    related = Related()
    for given in (ferry(rules=["a"]), ferry_own(), ferry_russian(), market()):
        related.feed(given)
    long = " ".join(f"Paragraph {at} tells of Person{at} Name{at} and of {at * 137} other things." for at in range(300))
    related.feed(article("long", "Long", long, states=[f"S{at:02}" for at in range(30)]))
    assert max(len(change.value) for change in related.changes) <= 600


def test_a_state_is_dumped_and_loaded() -> None:
    related = Related()
    for given in (ferry(rules=["a"]), ferry_own(), market()):
        related.feed(given)
    assert Relate().load(Relate().dump(related.state)) == related.state


def test_a_state_dumped_before_articles_were_packed_is_loaded() -> None:
    related = Related()
    for given in (ferry(rules=["a"]), ferry_own(), market()):
        related.feed(given)
    dumped = msgspec.msgpack.decode(related.stage.dump(related.state))
    for name, known in dumped["articles"].items():
        id_, revisions, at, stored, source, language, *place, features, lengths, sketch, order, rules, _ = known
        numbers = list(unpack(features)), lengths, list(unpack(sketch)), list(unpack(order, "H"))
        dumped["articles"][name] = [id_, revisions, at, 1, stored, None, source, "", language, *place, *numbers, rules]
    for index in ("postings", "shingles"):
        dumped[index] = {key: [got] if isinstance(got, bytes) else got for key, got in dumped[index].items()}
    for article_ in related.state.articles.values():
        article_.gist = 0
    assert Relate().load(msgspec.msgpack.encode(dumped)) == related.state


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    related = Related()
    for given in (ferry(rules=["a"], events=[event("coup", target=["FIN"])]), ferry_own()):
        related.feed(given)
    related.stage.forget(related.state, [ferry().id, ferry_own().id, market().id])
    assert (related.state.articles, related.state.stories, related.state.frequency) == ({}, {}, {})


@pytest.mark.parametrize("value", [b"", b"{}", encode({"id": "x"})], ids=["empty", "no fields", "wrong"])
def test_what_is_no_article_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidError):
        Relate().decide(Relate().empty(), Message("key", value, 1, NOON))


def test_a_finished_article_is_the_one_that_came_with_its_place() -> None:
    finished = Related().finish(ferry())
    plain = decode(encode(ferry()), EnrichedArticle)
    same = [name for name in plain.__struct_fields__ if getattr(plain, name) == getattr(finished, name)]
    assert set(plain.__struct_fields__) - set(same) == {"story", "stored", "version"}
