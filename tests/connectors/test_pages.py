"""Article pages: bodies, titles, dates, addresses, site rules, encodings, hostile bytes. All text was written here."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.pages import Page, SiteRuleError, load_site_rules, read_page
from connectors.pages.dates import read_date, url_date
from connectors.pages.decode import decode
from connectors.pages.links import trusted
from pipeline.model.article import without_tracking

URL = "https://www.quay.example/news/2031/03/05/ferry-sails-again-12345"
EN = [
    "The ferry between the two islands sailed again on Wednesday after eleven days of storm, the harbour office said.",
    "Some two hundred people had waited on the quay since the early morning, and most of them were let on board first.",
    "A second ship is to follow on Friday, provided that the wind does not turn, a spokeswoman for the line added.",
]
DE = [
    "Die Fähre zwischen den beiden Inseln fuhr am Mittwoch nach elf Tagen Sturm wieder, wie das Hafenamt mitteilte.",
    "Rund zweihundert Menschen hatten seit dem frühen Morgen am Kai gewartet, die meisten kamen zuerst an Bord.",
    "Ein zweites Schiff soll am Freitag folgen, sofern der Wind nicht dreht, sagte eine Sprecherin der Reederei.",
]
UK = [
    "Пором між двома островами знову вийшов у море в середу після одинадцяти днів шторму, повідомила адміністрація.",
    "Близько двохсот людей чекали на причалі з раннього ранку, і більшість із них пустили на борт першими.",
    "Друге судно має вирушити в п'ятницю, якщо не зміниться вітер, додала речниця пароплавства.",
]
AR = [
    "أبحرت العبارة بين الجزيرتين من جديد يوم الأربعاء بعد أحد عشر يوما من العواصف، بحسب ما أعلن مكتب الميناء في بيان.",
    "وكان نحو مئتي شخص ينتظرون على الرصيف منذ الصباح الباكر، وسمح لمعظمهم بالصعود إلى السفينة أولا.",
    "ومن المقرر أن تتبعها سفينة ثانية يوم الجمعة ما لم تتغير الرياح، كما أضافت متحدثة باسم الشركة.",
]
ZH = [
    "港口管理处表示,连接两座岛屿的渡轮在停航十一天之后于星期三重新起航,风暴期间所有船只都停在港内。",
    "大约两百人从清晨起就在码头等候,其中大多数人获准首先登船,工作人员还向老人和孩子分发了热水。",
    "轮船公司的发言人补充说,如果风向不变,第二艘船将于星期五出发,届时岛上的商店也会恢复供货。",
]
RU = [
    "Паром между двумя островами снова вышел в море в среду после одиннадцати дней шторма, сообщило управление порта.",
    "Около двухсот человек ждали на причале с раннего утра, и большинство из них пустили на борт первыми.",
    "Второе судно должно отправиться в пятницу, если не переменится ветер, добавила представительница компании.",
]
ES = [
    "El transbordador entre las dos islas volvió a navegar el miércoles tras once días de temporal, informó el puerto.",
    "Unas doscientas personas esperaban en el muelle desde la madrugada, y la mayoría embarcó en primer lugar.",
    "Un segundo barco saldrá el viernes si el viento no cambia, añadió una portavoz de la compañía naviera.",
]
TR = [
    "İki ada arasındaki feribot, on bir gün süren fırtınanın ardından çarşamba günü yeniden sefere çıktı, dedi liman.",
    "Sabahın erken saatlerinden beri iskelede yaklaşık iki yüz kişi bekliyordu ve çoğu gemiye ilk olarak alındı.",
    "Şirketin sözcüsü, rüzgar dönmezse ikinci geminin cuma günü hareket edeceğini sözlerine ekledi.",
]


def paragraphs(lines: list[str]) -> str:
    return "".join(f"<p>{line}</p>" for line in lines)


def page(body: str, head: str = "", lang: str = "en") -> bytes:
    head = f'<meta charset="utf-8">{head}'
    return f'<!doctype html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'.encode()


def read(body: str, head: str = "", lang: str = "en", url: str = URL) -> Page:
    found = read_page(page(body, head, lang), url)
    assert found is not None
    return found


def ld(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f'<script type="application/ld+json">{text}</script>'


MENU = "<nav><ul><li><a href=/a>News</a></li><li><a href=/b>Weather</a></li><li><a href=/c>Sport</a></li></ul></nav>"
LINKS = "<ul><li><a href=/1>Lighthouse closes</a></li><li><a href=/2>Market moves to the square</a></li></ul>"


@pytest.mark.parametrize(
    ("layout", "lines", "lang"),
    [
        ("<article><h1>Ferry</h1>{p}</article>", EN, "en"),
        (MENU + "<main><h1>Ferry</h1><div class='story'>{p}</div></main><footer>© Quay Press</footer>", EN, "en"),
        ("<div id=content>{p}<p><a href=/x>Read more: Lighthouse closes for repairs</a></p></div>", EN, "en"),
        ("<div><h1>Fähre</h1>{p}<p>Lesen Sie auch: Leuchtturm geschlossen</p></div>", DE, "de"),
        ("<article>{p}<p><b>Читайте також:</b> <a href=/x>Маяк зачинено на ремонт</a></p></article>", UK, "uk"),
        ("<article>{p}<p>Підписуйтесь на наш канал у Telegram</p></article>", UK, "uk"),
        ("<article>{p}<p><a href=/x>اقرأ أيضا: إغلاق المنارة للصيانة</a></p></article>", AR, "ar"),
        ("<div class=article>{p}<p>责任编辑:王小明</p></div>", ZH, "zh"),
        ("<div class=article>{p}<p>延伸阅读:灯塔因维修而关闭</p></div>", ZH, "zh"),
        ("<div>{p}<p>Подписывайтесь на нас в соцсетях</p><p>Поделиться</p></div>", RU, "ru"),
        ("<article>{p}<p>Lea también: El faro cierra por obras</p></article>", ES, "es"),
        ("<article>{p}<p>Bizi takip edin</p></article>", TR, "tr"),
        ("<form action=/page.aspx><div class=text>{p}</div></form>", EN, "en"),
        ("<article>{p}<div class='share-buttons'><span>Tell your friends</span></div></article>", EN, "en"),
        ("<article>{p}<div class='newsletterSignup'><p>All by mail</p></div></article>", EN, "en"),
        ("<article>{p}<section class=related-stories><h3>More</h3>" + LINKS + "</section></article>", EN, "en"),
        ("<article><figure><img src=x><figcaption>In port</figcaption></figure>{p}</article>", EN, "en"),
        ("<article>{p}<div style='display: none'><p>Nobody sees this.</p></div></article>", EN, "en"),
        ("<article>{p}<p>Advertisement</p></article>", EN, "en"),
        ("<article>{p}</article><div id=comments><p>What a ferry, says my aunt.</p></div>", EN, "en"),
        ("<article>{p}<p>Copyright 2031 Quay Press. All rights reserved.</p></article>", EN, "en"),
        ("<div id=cookie-consent><p>We store cookies.</p></div><article>{p}</article>", EN, "en"),
    ],
)
def test_the_body_is_the_article_and_nothing_else(layout: str, lines: list[str], lang: str) -> None:
    found = read(layout.replace("{p}", paragraphs(lines)), lang=lang)
    assert found.body.split("\n") == lines
    assert found.language == lang


def test_a_line_of_news_in_an_element_named_for_its_comments() -> None:
    assert read("<div class='post comments-open'><p>The ferry has sailed again, says the port.</p></div>").body


def test_a_body_in_pieces_is_whole() -> None:
    more = [f"Paragraph {number} of the piece tells of the quay, of the wind and of those." for number in range(9)]
    pieces = (f"<div class=piece><div class=text>{paragraphs(lines)}</div></div>" for lines in (EN, more))
    assert read(f"<article>{'<div class=gap></div>'.join(pieces)}</article>").body.split("\n") == [*EN, *more]


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Ferry sails again - Quay</title>", "<h1>Ferry sails again</h1>", "Ferry sails again"),
        ("<meta property='og:title' content='Ferry sails again | Quay'>", "", "Ferry sails again"),
        ("<title>Ferry sails again</title>", "<h1>Quay</h1>", "Ferry sails again"),
        (ld({"@type": "NewsArticle", "headline": "Ferry &amp; folk"}), "", "Ferry & folk"),
        ("", "<h1>Ferry sails again</h1>", "Ferry sails again"),
    ],
)
def test_title(head: str, body: str, title: str) -> None:
    found = read(f"<article>{body}{paragraphs(EN)}</article>", head)
    assert found.title == title
    assert title not in found.body.split("\n")


ARTICLE = {"@type": "NewsArticle", "headline": "Ferry", "datePublished": "2031-03-05T10:00:00+02:00"}
EIGHT = datetime(2031, 3, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "script",
    [
        ld(ARTICLE),
        ld([ARTICLE]),
        ld({"@graph": [{"@type": "WebSite", "name": "Quay"}, ARTICLE]}),
        ld(ARTICLE | {"@type": ["Article", "https://schema.org/ReportageNewsArticle"]}),
        ld(json.dumps(ARTICLE)[:-1] + ",}"),
        ld(json.dumps(ARTICLE).replace("Ferry", "Fer\nry")),
        ld("<!-- " + json.dumps(ARTICLE) + " -->"),
        ld("//<![CDATA[\n" + json.dumps(ARTICLE) + "\n//]]>"),
        ld(json.dumps(ARTICLE, indent=1).replace('"Ferry"', '"A "ferry" it is"')),
    ],
)
def test_json_ld_however_written(script: str) -> None:
    found = read(f"<article>{paragraphs(EN)}</article>", script, url="https://quay.example/ferry")
    assert (found.published, found.published_origin) == (EIGHT, "json-ld")
    assert found.published_raw == "2031-03-05T10:00:00+02:00"


def test_json_ld_of_other_articles_is_not_this_ones() -> None:
    others = [ARTICLE | {"headline": f"Something else {n}", "url": f"https://quay.example/{n}"} for n in range(3)]
    own = ARTICLE | {"datePublished": "2031-03-06", "url": URL, "author": {"@type": "Person", "name": "Ana Reis"}}
    found = read(f"<article>{paragraphs(EN)}</article>", ld([*others, own]))
    assert (found.published_raw, found.authors) == ("2031-03-06", ("Ana Reis",))


def test_json_ld_has_the_text_where_the_page_shows_its_beginning() -> None:
    text = "<p>" + "</p><p>".join(EN) + "</p>"
    found = read(f"<article><p>{EN[0]}</p></article>", ld(ARTICLE | {"articleBody": text.replace("<", "&lt;")}))
    assert found.body.split("\n") == EN
    assert found.by == "json-ld"


@pytest.mark.parametrize("told", [EN[0][:60] + "…", "", "Something else altogether."])
def test_json_ld_cut_short_changes_nothing(told: str) -> None:
    found = read(f"<article>{paragraphs(EN)}</article>", ld(ARTICLE | {"articleBody": told}))
    assert found.body.split("\n") == EN


@pytest.mark.parametrize(
    ("head", "body", "url", "raw", "origin", "moment"),
    [
        ("<meta itemprop=datePublished content='2031-03-05T10:00Z'>", "", "", "2031-03-05T10:00Z", "meta", 10),
        ("", "<time datetime='2031-03-05 10:00 +0200'>today</time>", "", "2031-03-05 10:00 +0200", "time", 8),
        ("", "", URL, "2031/03/05", "url", 0),
        ("<meta name=date content='03/05/2031'>", "", URL, "2031/03/05", "url", 0),
        ("<meta name=date content=2031-03-05>", "<time>2031-03-05T09:00Z</time>", "", "2031-03-05T09:00Z", "time", 9),
    ],
)
def test_dates_keep_what_was_written_and_where(
    head: str, body: str, url: str, raw: str, origin: str, moment: int
) -> None:
    found = read(f"<article>{body}{paragraphs(EN)}</article>", head, url=url)
    assert (found.published_raw, found.published_origin) == (raw, origin)
    assert found.published == datetime(2031, 3, 5, moment, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "language", "read_as"),
    [
        ("2031-03-05T10:00:00.123+0200", "", "2031-03-05T08:00"),
        ("20310305", "", "2031-03-05T00:00"),
        ("Wed, 05 Mar 2031 10:00:00 +0200", "en", "2031-03-05T08:00"),
        ("March 5, 2031 7:47 PM EST", "en", "2031-03-06T00:47"),
        ("15 березня 2031, 14:05", "uk", "2031-03-15T14:05"),
        ("15 März 2031 um 10.05 Uhr", "de", "2031-03-15T10:05"),
        ("٥ مارس ٢٠٣١", "ar", "2031-03-05T00:00"),
        ("2031年3月5日 14:05", "zh", "2031-03-05T14:05"),
        ("2031. 3. 5.", "ko", "2031-03-05T00:00"),
        ("05.03.2031 14:05", "ru", "2031-03-05T14:05"),
        ("1930471200", "", "2031-03-05T10:00"),
        ("03/13/2031", "en", "2031-03-13T00:00"),
        ("03/04/2031", "en", None),
        ("2 hours ago", "en", None),
        ("2031-02-30", "", None),
        ("2031", "", None),
    ],
)
def test_dates_as_written(raw: str, language: str, read_as: str | None) -> None:
    found = read_date(raw, language)
    assert (found and found.isoformat()[:16]) == read_as


def test_the_day_in_a_path() -> None:
    assert url_date("https://quay.example/2031/3/05/x") == ("2031/3/05", datetime(2031, 3, 5, tzinfo=UTC))
    assert url_date("https://quay.example/item/20311399") == ("", None)


@pytest.mark.parametrize(
    ("candidate", "url", "taken"),
    [
        (
            "https://quay.example/a-1?utm_source=x&id=2",
            "https://www.quay.example/a-1?id=2",
            "https://quay.example/a-1?id=2",
        ),
        ("/news/ferry-1", "https://quay.example/news/ferry-1/amp", "https://quay.example/news/ferry-1"),
        ("https://m.quay.co.uk/x-1", "https://www.quay.co.uk/x-1", "https://m.quay.co.uk/x-1"),
        ("https://other.co.uk/x-1", "https://quay.co.uk/x-1", None),
        ("https://evil.example/x-1", "https://quay.example/x-1", None),
        ("https://quay.example/", "https://quay.example/x-1", None),
        ("https://quay.example/en/", "https://quay.example/en/x-1", None),
        ("https://quay.example/sport", "https://quay.example/sport/ferry-1", None),
        ("https://quay.example/x-1", "https://quay.example/x-1?page=2", None),
        ("https://quay.example/x-1", "https://quay.example/x-1/page/2", None),
        ("javascript:alert(1)", "https://quay.example/x-1", None),
        ("http://[", "https://quay.example/x-1", None),
        ("https://quay.example/x-1", "", "https://quay.example/x-1"),
    ],
)
def test_canonical_urls_are_trusted_within_the_domain(candidate: str, url: str, taken: str | None) -> None:
    assert trusted([candidate], url) == taken


def test_tracking_parameters_go_and_nothing_else() -> None:
    link = "https://a.example/x/?b=2&utm_medium=q&a=%20&FBCLID=1#p"
    assert without_tracking(link) == "https://a.example/x/?b=2&a=%20#p"
    assert without_tracking("https://a.example/x?gclid=1") == "https://a.example/x"


RULES = """
- sites: [quay.example]
  from: 2031-01-01
  title: .head
  body: .new
  authors: .who
  date: time.when
  remove: [.ad, .when]
- sites: [quay.example]
  body: .old
"""


@pytest.mark.parametrize(("day", "part"), [("2031-03-05", "new"), ("2030-03-05", "old")])
def test_site_rules_by_domain_and_day(tmp_path: Path, day: str, part: str) -> None:
    (tmp_path / "mine.yaml").write_text(RULES, "utf-8")
    body = (
        f"<b class=head>Ferry, again</b><i class=who>By Ana Reis</i><time class=when datetime={day}>x</time>"
        f"<div class=new><p>{EN[0]}</p><p class=ad>Buy oars.</p></div><div class=old><p>{EN[1]}</p></div>"
    )
    found = read_page(page(body), "https://www.quay.example/x-1", rules=load_site_rules([tmp_path]))
    assert found is not None
    assert (found.body, found.by) == (EN[0] if part == "new" else EN[1], "site-rule")
    if part == "new":
        assert (found.title, found.authors, found.published_origin) == ("Ferry, again", ("Ana Reis",), "site-rule")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sites: [a.example]", "must be a list"),
        ("- sites: []\n  body: p", "`sites` names no site"),
        ("- sites: ['https://a.example/']\n  body: p", "must be a host"),
        ("- sites: [a.example]", "has no selector"),
        ("- sites: [a.example]\n  body: 'p >'", "`body`: 'p >' is no CSS selector"),
        ("- sites: [a.example]\n  bdy: p", "bdy"),
        ("- sites: [a.example]\n  body: p\n  from: soon", "from"),
        ("- [", "not YAML"),
    ],
)
def test_site_rules_are_checked(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(SiteRuleError, match=r"mine\.yaml") as caught:
        load_site_rules([tmp_path / "mine.yaml"])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "header", "text"),
    [
        ("Пором".encode("cp1251"), "text/html; charset=windows-1251", "Пором"),
        (b"<meta charset=windows-1251>" + "Пором".encode("cp1251"), "", "<meta charset=windows-1251>Пором"),
        ("Пором".encode(), "text/html; charset=windows-1251", "Пором"),
        ("Пором".encode("utf-16"), "", "Пором"),
        ("渡轮".encode("gb18030"), "text/html; charset=gb2312", "渡轮"),
        ("フェリー".encode("shift_jis"), "text/html; charset=Shift_JIS", "フェリー"),
        (b"caf\xe9 \x93x\x94", "text/html; charset=iso-8859-1", "café “x”"),
        (b"a\x00b", "text/html; charset=zlib", "a b"),
    ],
)
def test_encodings(data: bytes, header: str, text: str) -> None:
    assert decode(data, header) == text


HOSTILE = {
    "nested": b"<div>" * 200_000 + b"x",
    "a long line": b"<p>" + b"a" * 1_000_000,
    "links": b"<a href=x>y</a> " * 100_000,
    "null bytes": b"\0" * 1_000_000,
    "attributes": b"<div " + b" ".join(b"a%d" % n for n in range(100_000)) + b">",
    "dates": b"<meta name=date content='3 foo 2031'>" * 20_000 + b"<time>4 foo 2031</time>" * 20_000,
    "deep json-ld": ld('{"a":' * 50_000 + "1" + "}" * 50_000).encode(),
    "open tags": b"<" * 500_000,
    "entities": b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 999 + b'"><!ENTITY b "&a;&a;&a;&a;">]>' + b"&b;" * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_end(name: str) -> None:
    found = read_page(HOSTILE[name] + page(paragraphs(EN)), URL)
    assert found is None or len(found.body) < 2_000_000


TAGS = ["<p>", "</p>", "<div class=share>", "</div>", "<a href=x>", "</a>", "<li>", "<h1>", "<time>", "<meta name="]
MORE = [*EN, "date content='", "'>", "<script type=application/ld+json>", "</script>", '{"@type":"Article"', "}"]
MARKUP = st.lists(st.sampled_from(TAGS) | st.sampled_from(MORE) | st.text(max_size=20), max_size=40)
HEADERS = st.sampled_from(["", "text/html; charset=koi8-r", "text/html; charset=utf-16"])


@settings(max_examples=60, deadline=None)
@given(MARKUP, HEADERS, st.sampled_from(["", URL]))
def test_any_markup_is_read_or_not_and_travels_as_json(pieces: list[str], header: str, url: str) -> None:
    found = read_page("".join(pieces).encode("utf-8", "surrogatepass"), url, header)
    if found:
        assert msgspec.json.decode(msgspec.json.encode(found), type=Page) == found


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000), st.text(max_size=40), st.text(max_size=60))
def test_any_bytes_any_header_any_url(data: bytes, header: str, url: str) -> None:
    found = read_page(data, url, header)
    assert found is None or found.body
    read_date(url, header)
    trusted([url], header)
