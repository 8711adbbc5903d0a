"""What a source delivers."""

import re
from collections.abc import Sequence

from connectors.sdk.testing.points.promise import Kit, broken_unless, fault_of
from connectors.sdk.testing.subject import SOURCE, BrokenPromiseError
from connectors.sdk.testing.world import NOW, sample
from pipeline.model.article import Article, article_id, revision_of


async def items(kit: Kit) -> None:
    """Items are whole and valid: what was published, as plain text, under the id that its address gives.

    Make them with `context.article(…)`, from text without markup (`isolated(read_fragment, …)`) and times in UTC.
    """
    numbers = (1, 2, 3)
    async with kit.opened(*numbers) as subject:
        polled = await subject.poll()
        shows = subject.world.shows
    for bad in polled.bad:
        raise BrokenPromiseError(f"an item that is well was refused: {bad.key}: {bad.reason}")
    broken_unless(
        len(polled.articles) == len(numbers), f"{len(numbers)} items were published, {len(polled.articles)} came"
    )
    for article in polled.articles:
        fault = fault_of(article) or _mistake(article, kit)
        broken_unless(not fault, f"an article {fault}: {article.title!r}")
    for number in numbers:
        _matches(polled.articles, number, shows)


_MARKUP = re.compile(
    r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>|&(#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp|ldquo|rdquo);|<!\[", re.I
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _mistake(article: Article, kit: Kit) -> str | None:
    """What is wrong with an article of a sample, besides what it says."""
    if article.url and article.id != article_id(article.url, article.source.id, ""):
        return "has an id that its address does not give"
    if article.revision != revision_of(article.title, article.body):
        return "has a revision that is not the hash of its title and body"
    if (article.source.id, article.source.kind) != (SOURCE.id, kit.kind.name):
        return f"says that it comes from {article.source}, not from the source of the context"
    if article.fetched != NOW:
        return "was not fetched at the time that `context.now()` gives"
    text = f"{article.title}\n{article.summary}\n{article.body}"
    if found := _MARKUP.search(text) or _CONTROL.search(text):
        return f"has {found[0]!r} in its text"
    return None


def _matches(articles: Sequence[Article], number: int, shows: frozenset[str]) -> None:
    """One of the articles is that sample."""
    wanted = sample(number)
    texts = {article: _flat(f"{article.title} {article.summary} {article.body}") for article in articles}
    found = [article for article, text in texts.items() if "body" not in shows or _flat(wanted.paragraphs[1]) in text]
    if "title" in shows:
        found = [article for article in found if _flat(article.title) == _flat(wanted.title)]
    broken_unless(
        found,
        f"no article has the title and text of item {number} to the letter "
        f"({wanted.title!r}, {wanted.paragraphs[1]!r}); there are {[article.title for article in articles]}",
    )
    for part in wanted.paragraphs if "body" in shows else ():
        broken_unless(_flat(part) in texts[found[0]], f"the article of item {number} lacks the text {part!r}")
    if "url" in shows:
        broken_unless(found[0].url == wanted.url, f"item {number} is at {wanted.url}, its article at {found[0].url}")
    if "published" in shows:
        broken_unless(
            found[0].published == wanted.published,
            f"item {number} was published at {wanted.published}, its article says {found[0].published}",
        )


def _flat(text: str) -> str:
    return " ".join(text.split())
