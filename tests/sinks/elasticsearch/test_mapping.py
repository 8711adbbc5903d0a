"""How texts are read on a cluster that has every analyzer, which the node of the tests has not."""

import re

from pipeline.model.tokens import split, tokens
from pipeline.sinks.elasticsearch.mapping import ARTICLES, FULL, analysis, properties_of, stemmed_in
from tests.eval.material import seed_articles


def test_texts_are_stemmed_by_what_the_cluster_has() -> None:
    languages = properties_of(ARTICLES, {"en": "english"})["stemmed"]["properties"]
    assert languages["en"] == {"type": "text", "analyzer": "english"}
    assert languages["uk"] == {"type": "alias", "path": "body"}
    assert stemmed_in({"properties": properties_of(ARTICLES, {"en": "english"})}) == {"en"}


def test_the_whole_folding_reads_words_as_the_project_does() -> None:
    parts = analysis(FULL)
    rules = (unescaped(rule).split("=>") for rule in parts["char_filter"]["fold"]["mappings"])
    folds = str.maketrans({ord(written): folded for written, folded in rules})
    possessive = parts["filter"]["possessive"]["pattern"]
    texts = [text for article in seed_articles().values() for text in (article.title, article.body)]
    for text in ["L’Élysée’s DEĞİL Ångström Straße", "צה״ל ג׳ורג׳", "كِييف", *texts]:
        read = split(text.translate(folds))
        assert [re.sub(possessive, r"\1", word.lower()) for word in read] == tokens(text)


def unescaped(rule: str) -> str:
    return re.sub(r"\\u(....)", lambda found: chr(int(found[1], 16)), rule)
