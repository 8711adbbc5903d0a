"""What a page says about its article outside the text: title, authors, date, language."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from connectors.pages.blocks import Element, named, squeeze, tokens
from connectors.pages.body import letters
from connectors.pages.dates import read_date, url_date
from connectors.pages.jsonld import Told
from connectors.pages.links import registrable

MAX_TITLE, MAX_NAME = 500, 100
"""Characters."""
MAX_AUTHORS, MAX_DATES = 20, 10
"""How many are read."""
PUBLISHED = (
    *("article:published_time", "og:published_time", "og:article:published_time", "datepublished", "article.published"),
    *(
        "pubdate",
        "publishdate",
        "publish-date",
        "publish_date",
        "publication_date",
        "publicationdate",
        "publicationtime",
    ),
    *("dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created", "dc.date", "dcterms.date", "dc:date"),
    *("parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "bt:pubdate"),
    *("citation_publication_date", "article_date_original", "originalpublicationdate", "rnews:datepublished"),
    *("article.created", "datecreated", "date_published", "displaydate", "ptime", "date"),
)
AUTHORS = ("author", "article:author_name", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator")
BY = re.compile(r"^(?:by|von|par|por|di|door|af|av|от|автор|текст|بقلم|作者|記者|记者)\s*[:：]?\s+", re.I)
NO_NAME = re.compile(r"https?:|www\.|@|\d{4}|[<>{}|]")


@dataclass(frozen=True)
class Dated:
    """A date as it was written, where, and what it says; None where it cannot be read."""

    raw: str = ""
    origin: str = ""
    moment: datetime | None = None


@dataclass(frozen=True)
class About:
    """The head of a page, read once."""

    metas: dict[str, list[str]]
    """Contents by name, property or itemprop in small letters."""
    headings: tuple[str, ...]
    """The h1s."""
    head_title: str
    language: str
    canonical: tuple[str, ...]
    times: tuple[str, ...] = field(default=())
    """Dates of `time` elements, the likeliest first."""
    bylines: tuple[str, ...] = field(default=())

    def meta(self, *names: str) -> str:
        """The first content of the first of these that has any."""
        return next((content for name in names for content in self.metas.get(name, ())), "")

    @property
    def titles(self) -> tuple[str, ...]:
        """All that may be the article's title, as it stands on the page."""
        return tuple(filter(None, (*self.headings, self.meta("og:title"), self.meta("twitter:title"), self.head_title)))

    @property
    def description(self) -> str:
        return self.meta("og:description", "description", "twitter:description")


def read_about(root: Element) -> About:
    """The head of a page, and the parts of its body that speak about the article."""
    metas: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = squeeze((element.get("content") or "")[:5_000])
        if name and content:
            metas.setdefault(name.strip().lower(), []).append(content)
    links = (link for link in root.iter("link") if "canonical" in (link.get("rel") or "").lower().split())
    return About(
        metas=metas,
        headings=tuple(filter(None, (_text(element) for element in root.iter("h1")))),
        head_title=next((_text(element) for element in root.iter("title")), ""),
        language=_language(root, metas),
        canonical=(*(link.get("href") or "" for link in links), *metas.get("og:url", ())),
        times=tuple(_times(root)),
        bylines=tuple(_bylines(root)),
    )


def _text(element: Element) -> str:
    return squeeze(str(element.text_content()))[:MAX_TITLE]


def _language(root: Element, metas: dict[str, list[str]]) -> str:
    xml = "{http://www.w3.org/XML/1998/namespace}lang"
    inside = (root.get("lang") or root.get("xml:lang") or root.get(xml) for root in root.iter("html", "body"))
    for given in (*inside, *metas.get("og:locale", ()), *metas.get("content-language", ())):
        if given and re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}", given.strip()):
            return str(given).strip().replace("_", "-")
    return ""


def _times(root: Element) -> Iterator[str]:
    """Those marked as publication first, then those of the article's own head; never those of other articles."""
    marked: list[str] = []
    plain: list[str] = []
    for element in root.iter("time", "abbr", "span", "div", "p"):
        published = "datepublished" in (element.get("itemprop") or "").lower() or element.get("pubdate") is not None
        if element.tag != "time" and not published:
            continue
        given = element.get("datetime") or element.get("content") or element.get("title") or _text(element)
        if given and len(given) < MAX_NAME:
            words = tokens(named(element))
            (marked if published or words & {"published", "pubdate", "publish"} else plain).append(given)
    yield from marked
    if len(set(plain)) == 1:
        yield plain[0]


def _bylines(root: Element) -> Iterator[str]:
    for element in root.iter("a", "span", "address", "div", "p"):
        rel = (element.get("rel") or "").lower().split()
        if "author" in rel or "author" in (element.get("itemprop") or "").lower().split():
            inner = next((part for part in element.iter() if part.get("itemprop") == "name"), element)
            yield inner.get("content") or _text(inner)


def title_of(about: About, told: Sequence[Told], url: str) -> str:
    """The heading that the head of the page repeats, else what JSON-LD, Open Graph or the head of the page gives."""
    site = about.meta("og:site_name")
    given = (next((story.headline for story in told if story.headline), ""), about.meta("og:title", "twitter:title"))
    titles = [_without_site(title, site, url) for title in (*given, about.head_title) if title]
    for heading in about.headings:
        same = letters(heading)
        if same and any(same in letters(title) and 2 * len(heading) > len(title) for title in titles):
            return heading
    return next(iter((*titles, *about.headings)), "")[:MAX_TITLE]


def _without_site(title: str, site: str, url: str) -> str:
    """A title without the outlet's name behind it."""
    found = re.match(r"(.{10,}?)\s+[|\-–—•·»:]\s+([^|–—•·»]{2,60})$", title)
    if not found:
        return title
    name = letters(found[2])
    domain = letters(registrable(url).partition(".")[0])
    if name and (name == letters(site) or name in domain or (len(domain) > 3 and domain in name)):
        return found[1]
    return title


def authors_of(about: About, told: Sequence[Told]) -> tuple[str, ...]:
    """Names, from JSON-LD, meta elements or the byline, whichever has any."""
    for source in (
        [name for story in told[:1] for name in story.authors],
        [name for key in AUTHORS for name in about.metas.get(key, ())],
        about.bylines,
    ):
        if names := names_in(source):
            return names
    return ()


def names_in(given: Iterable[str]) -> tuple[str, ...]:
    """Each name once, without "by" before it; addresses and other things that are no names left out."""
    found: dict[str, str] = {}
    for line in given:
        for part in _parted(BY.sub("", squeeze(line[: MAX_NAME * 10]))):
            name = part.strip(" ,;|·•-–—")
            if 1 < len(name) <= MAX_NAME and not NO_NAME.search(name) and letters(name):
                found.setdefault(letters(name), name)
    return tuple(found.values())[:MAX_AUTHORS]


def _parted(line: str) -> list[str]:
    """The names in a line of several: with semicolons, or full names with commas and an "and" between."""
    if ";" in line:
        return line.split(";")
    parts = re.split(r",\s+|\s+(?:and|und|et|y|e|и|та|ve|və|&)\s+", line)
    return parts if all(" " in part.strip() for part in parts) else [line]


def dates_of(about: About, told: Sequence[Told], url: str) -> Iterator[Dated]:
    """The dates that the page gives for its publication, the most trustworthy first."""
    given = {story.published: "json-ld" for story in told if story.published}
    for content in (content for name in PUBLISHED for content in about.metas.get(name, ())):
        given.setdefault(content, "meta")
    for text in about.times:
        given.setdefault(text, "time")
    for raw, origin in islice(given.items(), MAX_DATES):
        yield dated(raw, origin, about.language)
    raw, moment = url_date(url)
    if raw:
        yield Dated(raw, "url", moment)


def dated(raw: str, origin: str, language: str) -> Dated:
    """A date as written, read."""
    raw = raw[:MAX_NAME]
    return Dated(raw, origin, read_date(raw, language))
