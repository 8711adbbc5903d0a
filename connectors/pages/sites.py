"""Site rules: where the parts of an article stand on the pages of one site, as CSS selectors in YAML."""

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from connectors.pages.blocks import Block, Element, blocks, squeeze
from connectors.pages.links import registrable

SHIPPED = Path(__file__).with_name("sites")
PARTS = ("title", "body", "authors", "date", "remove")


class SiteRuleError(ValueError):
    """A file of site rules is wrong; the message names the file, the rule and the key."""


class SiteRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """How the pages of some sites are read; a part that no selector finds is left to the other readers."""

    sites: tuple[str, ...]
    """Hosts, or registrable domains with all their hosts."""
    since: datetime.date | None = None
    """Day from which pages are read so; for older ones the rule with an earlier day holds."""
    title: str = ""
    body: str = ""
    """One element or all of the paragraphs."""
    authors: str = ""
    date: str = ""
    """Of a `time` element its datetime counts, of a `meta` element its content, else the text."""
    remove: tuple[str, ...] = ()
    """What is taken out before the body is read."""


class SiteRules(msgspec.Struct, frozen=True):
    """Rules by host, those that are tried first in front."""

    by_site: dict[str, tuple[SiteRule, ...]]

    def of(self, url: str) -> Sequence[SiteRule]:
        """The rules for a URL: of its host, else of the domain around it; the newest first."""
        try:
            host = (urlsplit(url).hostname or "").removeprefix("www.")
        except ValueError:
            return ()
        domain = registrable(url)
        while host:
            if host in self.by_site:
                return self.by_site[host]
            if host == domain:
                break
            host = host.partition(".")[2]
        return ()


def load_site_rules(paths: Iterable[Path | str] = (), *, shipped: bool = True) -> SiteRules:
    """The rules in some YAML files or folders of them, before those that are shipped. Each file is a list of rules.

    Raises:
        SiteRuleError: a file cannot be read, or a rule in it is wrong.
    """
    by_site: dict[str, tuple[SiteRule, ...]] = {}
    for path in [*(Path(given) for given in paths), *([SHIPPED] if shipped else [])]:
        here: dict[str, list[SiteRule]] = {}
        for file in _files(path):
            for rule in _read(file):
                for site in rule.sites:
                    here.setdefault(site.lower().removeprefix("www."), []).append(rule)
        for site, rules in here.items():
            newest_first = sorted(rules, key=lambda rule: rule.since or datetime.date.min, reverse=True)
            by_site.setdefault(site, tuple(newest_first))
    return SiteRules(by_site)


@cache
def shipped_rules() -> SiteRules:
    """The rules that come with wirewatch."""
    return load_site_rules()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    return [path]


def _read(file: Path) -> Iterator[SiteRule]:
    try:
        entries = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise SiteRuleError(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SiteRuleError(f"{file}: not YAML: {squeeze(str(error))}") from None
    if not isinstance(entries, list):
        raise SiteRuleError(f"{file}: must be a list of rules, each with `sites` and selectors")
    for number, entry in enumerate(entries, 1):
        yield _rule(entry, f"{file}: rule {number}")


def _rule(entry: Any, where: str) -> SiteRule:
    try:
        rule = msgspec.convert(entry, SiteRule)
    except msgspec.ValidationError as error:
        raise SiteRuleError(f"{where}: {str(error).replace(' - at `$.', ' at `')}") from None
    if not rule.sites:
        raise SiteRuleError(f"{where}: `sites` names no site")
    for site in rule.sites:
        if not re.fullmatch(r"[^\s/:@]+\.[^\s/:@.]+", site):
            raise SiteRuleError(
                f"{where}: `sites`: {site!r} must be a host such as example.org, without scheme and path"
            )
    if not (rule.title or rule.body or rule.authors or rule.date or rule.remove):
        raise SiteRuleError(f"{where}: has no selector; give one of {', '.join(PARTS)}")
    for part in PARTS:
        given = getattr(rule, part)
        for selector in given if isinstance(given, tuple) else [given]:
            try:
                _compiled(selector) if selector or part == "remove" else None
            except Exception as error:
                raise SiteRuleError(f"{where}: `{part}`: {selector!r} is no CSS selector: {error}") from None
    return rule


@cache
def _compiled(selector: str) -> Any:
    from lxml.cssselect import CSSSelector

    return CSSSelector(selector, translator="html")


class Parts(msgspec.Struct, frozen=True):
    """What a rule finds; empty where it finds nothing."""

    title: str = ""
    body: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    date: str = ""


def apply(rule: SiteRule, root: Element) -> Parts:
    """The parts of an article in a tree, from which `remove` is taken out before the body is read."""
    title, authors, day = (tuple(_texts(selector, root)) for selector in (rule.title, rule.authors, rule.date))
    for selector in rule.remove:
        for element in _compiled(selector)(root):
            if element.getparent() is not None:
                element.drop_tree()
    body = tuple(block.text for block in _blocks(rule.body, root))
    return Parts(title=next(iter(title), ""), body=body, authors=authors, date=next(iter(day), ""))


def _texts(selector: str, root: Element) -> Iterator[str]:
    for element in _compiled(selector)(root) if selector else ():
        attribute = {"meta": "content", "time": "datetime"}.get(element.tag)
        text = squeeze((element.get(attribute) if attribute else None) or element.text_content())
        if text:
            yield text


def _blocks(selector: str, root: Element) -> Iterator[Block]:
    """Blocks of what a selector finds; an element within one that was found is not read twice."""
    inside: Element = None
    for element in _compiled(selector)(root) if selector else ():
        if inside is not None and inside in element.iterancestors():
            continue
        inside = element
        yield from blocks(element)
