"""An article page: bytes in, what it says out. Touches no network and no file of the page's choosing."""

import logging
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

import msgspec

from connectors.pages import sites
from connectors.pages.about import About, Dated, authors_of, dated, dates_of, names_in, read_about, title_of
from connectors.pages.blocks import Element, parse, width
from connectors.pages.body import letters, read_body, with_told
from connectors.pages.decode import decode
from connectors.pages.jsonld import Told, read_json_ld
from connectors.pages.links import trusted
from pipeline.model.article import canonical_url

MAX_PAGE = 10 * 1024 * 1024
"""Bytes of a page that is read."""
MAX_GUESSED = 1_000_000
"""Characters of a page whose date is guessed from its text."""
LATEST = "2099-12-31"
"""Guesses are not compared with a clock."""
SHORTEST = 25
"""Letters below which nothing is an article; a Chinese sign counts for three."""


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page says of its article."""

    title: str
    body: str
    """Plain text, a line for each paragraph."""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    """UTC; midnight where the page names only a day. May lie in the future: the reader knows no clock."""
    published_raw: str = ""
    """As the page wrote it, also where it could not be read."""
    published_origin: str = ""
    """site-rule, json-ld, meta, time, url or guess."""
    url: str | None = None
    """Canonical, where the page names one that can be trusted; without tracking parameters."""
    language: str = ""
    """As the page declares it."""
    by: str = ""
    """What found the body: site-rule, json-ld, trafilatura or density."""


def read_page(html: bytes, url: str, content_type: str = "", rules: sites.SiteRules | None = None) -> Page | None:
    """Reads an article page; None where there is no article text in it, or it is larger than MAX_PAGE.

    Args:
        html: The page as it came.
        url: Where it was fetched; empty where that is not known.
        content_type: The header of that name.
        rules: Site rules, those that are shipped where none are given.
    """
    if len(html) > MAX_PAGE or not html.strip():
        return None
    text = decode(html, content_type)
    root = parse(text)
    if root is None:
        return None
    about = read_about(root)
    canonical = trusted(about.canonical, url)
    told = _about_this(read_json_ld(root), about, url, canonical)
    dates = list(dates_of(about, told, url))
    day = next((found.moment for found in dates if found.moment), None)
    parts, root = _by_rule(rules or sites.shipped_rules(), root, url, day)
    title = parts.title or title_of(about, told, url)
    if parts.body:
        body, by = "\n".join(parts.body), "site-rule"
    else:
        lines, by = read_body(root, (*about.titles, title), about.description)
        body, by = with_told(lines, by, told[0].body if told else "")
    if width(letters(body)) < SHORTEST:
        return None
    if parts.date:
        dates.insert(0, dated(parts.date, "site-rule", about.language))
    published = _published(dates, text, about.language)
    return Page(
        title=title,
        body=body,
        authors=names_in(parts.authors) or authors_of(about, told),
        published=published.moment,
        published_raw=published.raw,
        published_origin=published.origin,
        url=canonical or trusted((link for story in told[:1] for link in story.urls), url),
        language=about.language,
        by=by,
    )


def _about_this(stories: Sequence[Told], about: About, url: str, canonical: str | None) -> list[Told]:
    """The stories of a page's JSON-LD that are about this page, the surest first; other articles are told of too."""
    here = {canonical_url(address) for address in (url, canonical) if address}
    titles = [letters(title) for title in about.titles]

    def sureness(story: Told) -> int:
        headline = letters(story.headline)
        named = bool(headline) and any(headline in title or (title and title in headline) for title in titles)
        return 2 * any(canonical_url(address) in here for address in story.urls) + named

    articles = [story for story in stories if story.headline or story.body]
    pages = [story for story in stories if not (story.headline or story.body)]
    sure = sorted((story for story in articles if sureness(story)), key=sureness, reverse=True)
    return (sure or (articles if len(articles) == 1 else [])) + pages


def _by_rule(rules: sites.SiteRules, root: Element, url: str, day: datetime | None) -> tuple[sites.Parts, Element]:
    """What the newest rule of that day finds, and the tree as it leaves it; an older rule where it finds no text."""
    for rule in rules.of(url):
        if rule.since and day and day.date() < rule.since:
            continue
        tree = deepcopy(root)
        parts = sites.apply(rule, tree)
        if not rule.body or width(letters("".join(parts.body))) >= SHORTEST:
            return parts, tree
    return sites.Parts(), root


def _published(dates: Sequence[Dated], text: str, language: str) -> Dated:
    """The first date that can be read, at its hour where another gives one for that day.

    Else one that is guessed, else the first as it was written.
    """
    readable = [found for found in dates if found.moment]
    if not readable:
        return _guessed(text, language) or next(iter(dates), Dated())
    first, *others = readable
    if ":" in first.raw or not first.moment:
        return first
    day = first.moment.date()
    return next((other for other in others if ":" in other.raw and other.moment and other.moment.date() == day), first)


def _guessed(text: str, language: str) -> Dated | None:
    """The day that htmldate makes out in the text of a page."""
    from htmldate import find_date

    root = parse(text) if len(text) <= MAX_GUESSED else None
    if root is None:
        return None
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    try:
        found = find_date(root, original_date=True, max_date=LATEST)
    except Exception:  # whatever it stumbles over, the page has no date
        return None
    return dated(found, "guess", language) if found else None
