"""What kind of text an article is."""

import pytest

from pipeline.enrich import read
from pipeline.enrich.genre import genre
from tests.enrich.test_events import article

KINDS = [
    ("fiction", "A novel about a coup", "The author's third book has a heroine, a plot and a weak final chapter."),
    ("sport", "Truce ends as derby kicks off", "The coach named his squad; the striker scored in the second half."),
    ("exercise", "Army drill storms a mock embassy", "Cadets played the attackers in the exercise, instructors said."),
    ("trial", "Court convicts man over embassy arson", "The defendant was sentenced after a trial of two weeks."),
    ("anniversary", "Twenty years since the bombing", "Survivors laid wreaths at the memorial on the anniversary."),
    ("disaster", "Flood emergency", "Torrential rain and flooding hit the valley; landslides blocked the road."),
    ("news", "Embassy hit in Kyiv", "Fragments of a missile fell on the embassy of Azerbaijan, the ministry said."),
    (
        "fiction",
        "Новий серіал про переворот",
        "Режисер зняв фільм за романом; актори грають солдатів у вигаданій країні.",
    ),
    ("sport", "Трансферные санкции сняты", "Тренер выпустил форварда, клуб выиграл матч чемпионата."),
    ("news", "Посла вызвали в МИД", "Турция вручила послу ноту протеста из-за инцидента на границе."),
]


@pytest.mark.parametrize(("kind", "title", "body"), KINDS, ids=[title for _, title, _ in KINDS])
def test_genre(kind: str, title: str, body: str) -> None:
    reading, _ = read(article(title, body))
    assert genre(reading).kind == kind
