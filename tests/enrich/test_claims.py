"""Who says what, and where an outlet takes its own report back."""

import pytest

from pipeline.enrich import enrich
from pipeline.model.enriched import Claim
from tests.enrich.test_events import article


def claims(body: str, title: str = "") -> list[Claim]:
    """The claims of an article."""
    return list(enrich(article(title, body)).claims)


SAID = [
    ("The drone fell in Moldova, the foreign ministry in Chisinau said.", "the foreign ministry", "asserts"),
    ("Russia's defence ministry denied that its missile had hit the embassy.", "Russia's defence ministry", "denies"),
    ("Poland's interior minister, Anna Nowak, confirmed that the crossing was shut.", "Anna Nowak", "confirms"),
    (
        "“They wanted to kill her,” the minister of Chile told reporters at the gate.",
        "the minister of Chile",
        "asserts",
    ),
    ("The opposition Alianza Cívica denied that anybody close to it had fired.", "The opposition", "denies"),
    ("Two Britons were held in Minsk, their families said.", "their families", "asserts"),
    ("Tehran warned that Israel would pay for the strike.", "Tehran", "warns"),
    ("Paris demanded the release of the journalist held in Mali.", "Paris", "demands"),
    ("The Kremlin declined to comment on the damaged embassy.", "The Kremlin", "declines-to-comment"),
    ("According to a source in the Turkish army, two brigades moved.", "a source in the Turkish army", "asserts"),
    ("Речник МЗС України заявив, що посла викликали вдруге.", "Речник МЗС України", "asserts"),
    ("У Міноборони Росії заперечили удар по посольству.", "Міноборони Росії", "denies"),
    ("МИД Турции подтвердил, что посол вызван.", "МИД Турции", "confirms"),
    ("По словам министра обороны Литвы, дрон упал в лесу.", "министра обороны Литвы", "asserts"),
    ("«Мы требуем объяснений», — заявил посол Азербайджана.", "посол Азербайджана", "asserts"),
    ("The envoy of Chile, who arrived on Monday, said talks would go on.", "The envoy of Chile", "asserts"),
    ("Hungary: the border stays open for lorries.", "Hungary", "asserts"),
    ("The defence ministry of Mali would not confirm the losses.", "The defence ministry", "declines-to-comment"),
    ("Laut Außenministerium in Wien wurde der Botschafter einbestellt.", "Außenministerium", "asserts"),
    ("„Davon wissen wir nichts“, brummte der Bürgermeister.", "der Bürgermeister", "asserts"),
    ("Le ministère des Affaires étrangères récuse ces accusations.", "Le ministère", "denies"),
    ("« Nous restons », soupire la consule honoraire.", "la consule honoraire", "asserts"),
    ("El Ministerio de Defensa tildó el informe de «pura fantasía».", "El Ministerio de Defensa", "asserts"),
    (
        "O Ministério dos Negócios Estrangeiros confirmou a morte de um soldado.",
        "O Ministério dos Negócios",
        "confirms",
    ),
    ("Dışişleri Bakanlığı, saldırının ardından elçinin çağrıldığını açıkladı.", "Dışişleri Bakanlığı", "announces"),
    ("وقال وزير الخارجية إن السفارة ستبقى مفتوحة.", "وزير الخارجية", "asserts"),
    ("外務省は大使館の閉鎖を検討していると述べた。", "外務省", "asserts"),
    ("외교부는 “대사관 직원은 모두 무사하다”고 밝혔다.", "외교부", "asserts"),
    ("Ines Moreau, who lost her shop in the fire, said neighbours had brought bread.", "Ines Moreau", "asserts"),
    ("The union warns that wages will fall behind.", "The union", "warns"),
    ("A clerk, who fears for his post, told us that nothing was paid.", "A clerk", "asserts"),
    ("A source, speaking on condition of anonymity, said the minister had left.", "A source", "asserts"),
    ("The ambassador of Chile praised the deal, calling on Peru to sign it.", "The ambassador of Chile", "demands"),
    ("Наступного літа, попереджає рибалка Остап Лин, риби поменшає.", "Остап Лин", "warns"),
    ("Сюжет цієї п'єси, кажуть її автори, від початку й до кінця вигаданий.", "автори", "asserts"),
    ("Полиция, говорят соседи, приехала через час.", "соседи", "asserts"),
    ("– Det regnade hela natten, säger banmästaren Nils Ek.", "Nils Ek", "asserts"),
    ("Die Gewerkschaft warnt vor langen Wartezeiten an der Grenze.", "Die Gewerkschaft", "warns"),
    ("Opozycja ostrzega, że wybory się opóźnią.", "Opozycja", "warns"),
    ("Ministarstvo, nadležno i za luke, potvrdilo je da su vrata zatvorena.", "Ministarstvo", "confirms"),
    ("Silminnäkijän mukaan auto ajoi punaista päin.", "Silminnäkijän", "asserts"),
    ("Egy szemtanú szerint a jármű megállt a híd előtt.", "Egy szemtanú", "asserts"),
    ("気象庁によると、雨は夜まで続く。", "気象庁", "asserts"),
    ("消防団長は「煙はもう見えない」と語った。", "消防団長", "asserts"),
    ("气象台预计，明天仍有大雨。", "气象台", "asserts"),
    ("Логист Асқар Омаровтың айтуынша, жүк ертең жетеді.", "Асқар Омаровтың", "asserts"),
    ("«Մենք պատասխան ենք սպասում», — ասել է նախարարության խոսնակը։", "նախարարության խոսնակը", "asserts"),
    ("विदेश मंत्रालय ने कहा कि राजदूत को तलब किया गया।", "विदेश मंत्रालय", "asserts"),
]


@pytest.mark.parametrize(("body", "speaker", "stance"), SAID, ids=[body for body, _, _ in SAID])
def test_speaker_and_stance(body: str, speaker: str, stance: str) -> None:
    said = claims(body)
    assert any(speaker in claim.speaker.text and claim.stance == stance for claim in said), said


@pytest.mark.parametrize(
    ("body", "not_speaker"),
    [
        ("The consul of Peru was told that the road was closed.", "consul"),
        ("UK nationals in Juba are being urged to leave by the embassy's staff.", "nationals"),
        ("The United States embassy in Quito said it was open.", "The United States embassy in Quito said"),
        ("A retired clerk, living in Oslo, said the mood there was calm.", "the mood"),
        ('The army has called the report "a denied attack" on its honour.', "report"),
    ],
)
def test_who_is_spoken_to_or_of_is_no_speaker(body: str, not_speaker: str) -> None:
    assert not any(not_speaker in claim.speaker.text for claim in claims(body))


def test_a_speaker_has_one_claim_and_the_headline_adds_none() -> None:
    said = claims(
        "The embassy of Malta in Oran said it was open. The embassy of Malta in Oran denied that its staff had left.",
        title="Malta's embassy denies it has closed",
    )
    assert [claim.stance for claim in said] == ["denies"]
    assert said[0].span.field == "body"


def test_a_pronoun_stands_for_who_spoke_last() -> None:
    said = claims("The ambassador of Chile said the talks had gone well. He warned that time was short.")
    assert [(claim.speaker.text, claim.stance) for claim in said] == [("The ambassador of Chile", "warns")]


def test_a_pronoun_stands_for_the_name_that_opens_the_sentence_before() -> None:
    said = claims('Moira Keane has no time for gossip. "We keep the doors open," she said.')
    assert [claim.speaker.text for claim in said] == ["Moira Keane"]


@pytest.mark.parametrize(
    ("body", "stance"),
    [
        ('"We demand an explanation from Chad," the ambassador of Chile said.', "demands"),
        ("The embassy of Chile said that Peru had demanded a new vote.", "asserts"),
        ("Вікна цілі, жодної подряпини не видно, підтвердила посол Чилі.", "confirms"),
        ("The foreign ministry of Chile has not confirmed the report.", "declines-to-comment"),
    ],
)
def test_stance_of_what_is_said(body: str, stance: str) -> None:
    assert stance in [claim.stance for claim in claims(body)]


def test_anonymous_speakers_are_marked() -> None:
    first, second = claims(
        "A source in the defence ministry of Russia said the strike was aimed at a plant. "
        "The foreign ministry of Azerbaijan said the embassy was hit."
    )
    assert (first.speaker.anonymous, second.speaker.anonymous) == (True, False)


def test_quoted_words_are_what_is_claimed() -> None:
    (claim,) = claims('"Not one of our shells fell there," the defence ministry of Thailand said.')
    assert claim.quoted
    assert claim.about.startswith("Not one of our shells")


def test_a_claim_names_the_event_it_speaks_of() -> None:
    said = claims(
        "A missile hit the embassy of Azerbaijan in Kyiv on Monday. Russia's defence ministry denied any involvement."
    )
    assert [claim.event for claim in said if claim.stance == "denies"] == ["premises-damaged"]


def test_a_speaker_s_words_are_words_of_the_text() -> None:
    body = "Officials in Vilnius said a drone had crossed from Belarus. Minsk rejected the report."
    read = enrich(article("Drone over Lithuania", body))
    assert read.claims
    for claim in read.claims:
        assert claim.speaker.text in body


@pytest.mark.parametrize(
    "body",
    [
        "The agency has withdrawn its report of a fire at the Maltese consulate in Oran.",
        "We withdraw our article on the embassy in Vienna and apologise for the error.",
        "Редакція відкликає повідомлення про пожежу в посольстві.",
        "Агентство аннулирует сообщение о вызове посла.",
    ],
)
def test_a_withdrawal_is_found(body: str) -> None:
    assert enrich(article("", body)).withdraws is not None


@pytest.mark.parametrize(
    "body",
    [
        "France has withdrawn its troops from Chad.",
        "The minister retracted his remarks about the ambassador.",
        "Франция вывела войска из Чада.",
    ],
)
def test_what_others_take_back_is_no_withdrawal(body: str) -> None:
    assert enrich(article("", body)).withdraws is None


def test_nothing_is_read_where_a_language_has_no_words() -> None:
    read = enrich(article("Hér er ekkert", "Utanríkisráðuneytið sagði að sendiherrann hefði verið kallaður á fund."))
    assert read.claims == ()
    assert read.events == ()
