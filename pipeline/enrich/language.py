"""Which language: what the script settles it settles, the rest is put to several voices."""

import math
import re
import struct
from collections import Counter, defaultdict
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import py3langid
import pycld2
import yaml
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

from pipeline.model.enriched import Language

DetectorFactory.seed = 0

SAMPLE = 150
"""Letters from which the script is told."""
LANGID = 500
"""Characters that py3langid and langdetect are given."""
CLD2 = 1_000
"""Characters that pycld2 is given of the beginning, and as many of the middle."""
SURE = 0.9
"""Share of a document that pycld2 must find in one language to be believed alone."""
BRIEF = 60
"""Characters below which the voices are weighed against each other."""
SHORT = 200
"""Characters below which single letters speak louder than the detectors."""

_UNKNOWN = Language(code="und", confidence=0.0, by="")

# First and last code point of a script, and the language where it has only one.
_SCRIPTS: tuple[tuple[int, int, str, str], ...] = (
    (0x0041, 0x024F, "latin", ""),
    (0x0250, 0x02AF, "latin", ""),
    (0x1E00, 0x1EFF, "latin", ""),
    (0x0370, 0x03FF, "greek", "el"),
    (0x1F00, 0x1FFF, "greek", "el"),
    (0x0400, 0x052F, "cyrillic", ""),
    (0x0530, 0x058F, "armenian", "hy"),
    (0x0590, 0x05FF, "hebrew", "he"),
    (0x0600, 0x06FF, "arabic", ""),
    (0x0750, 0x077F, "arabic", ""),
    (0x0900, 0x097F, "devanagari", ""),
    (0x0980, 0x09FF, "bengali", "bn"),
    (0x0A00, 0x0A7F, "gurmukhi", "pa"),
    (0x0A80, 0x0AFF, "gujarati", "gu"),
    (0x0B00, 0x0B7F, "oriya", "or"),
    (0x0B80, 0x0BFF, "tamil", "ta"),
    (0x0C00, 0x0C7F, "telugu", "te"),
    (0x0C80, 0x0CFF, "kannada", "kn"),
    (0x0D00, 0x0D7F, "malayalam", "ml"),
    (0x0D80, 0x0DFF, "sinhala", "si"),
    (0x0E00, 0x0E7F, "thai", "th"),
    (0x0E80, 0x0EFF, "lao", "lo"),
    (0x0F00, 0x0FFF, "tibetan", "bo"),
    (0x1000, 0x109F, "burmese", "my"),
    (0x10A0, 0x10FF, "georgian", "ka"),
    (0x1C90, 0x1CBF, "georgian", "ka"),
    (0x1100, 0x11FF, "hangul", "ko"),
    (0xAC00, 0xD7AF, "hangul", "ko"),
    (0x1200, 0x137F, "ethiopic", "am"),
    (0x1780, 0x17FF, "khmer", "km"),
    (0x3040, 0x30FF, "kana", "ja"),
    (0x3400, 0x4DBF, "han", ""),
    (0x4E00, 0x9FFF, "han", ""),
)

# Languages that share a script: those whose letters can be told, most particular first.
# (language, letters that only it has among those after it in the list, letters it never has)
_CYRILLIC: tuple[tuple[str, str, str], ...] = (
    ("tg", "ҷӣӯ", ""),
    ("kk", "ұәғ", "җҗ"),
    ("tt", "җәһ", ""),
    ("be", "ў", "ищї"),
    ("mk", "ѓќѕ", "ыэђћ"),
    ("sr", "ђћ", "ыэщъ"),
    ("uk", "їєґ", "ыэъөү"),
    ("ky", "ң", ""),
    ("mn", "өү", ""),
)
_ARABIC: tuple[tuple[str, str], ...] = (
    ("ckb", "ێۆڵڕە"),
    ("ps", "ټډړښږځڅې"),
    ("ur", "ٹڈڑںےہھ"),
    ("ug", "ۇۋې"),
    ("fa", "پچژگکی"),
)
_LATIN: tuple[tuple[str, str], ...] = (
    ("az", "ə"),
    ("hu", "őű"),
    ("pl", "łąężźśćń"),
    ("cs", "řůě"),
    ("sk", "ľĺŕť"),
    ("lv", "ķļņģāēīū"),
    ("lt", "ėįųąęū"),
    ("ro", "șțăţ"),
    ("eo", "ĉĝĥĵŝŭ"),
    ("yo", "ẹọṣ"),
    ("vi", "ơưđạảấầẩẫậắằẳẵặẹẻẽềểễệịỉọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"),
    ("cy", "ŵŷ"),
    ("is", "þð"),
    ("mi", "āēīōū"),
    ("et", "õ"),
    ("tr", "ğışı"),
    ("de", "ß"),
    ("es", "ñ¿¡"),
    ("pt", "ãõ"),
)
_ONLY_LATIN = {language: frozenset(letters) for language, letters in _LATIN}

# The same words as they are said in the east and in the west; "nije", "sankcije" and "Srbije" tell nothing.
_EKAVIAN = re.compile(
    r"\b(?:predsed|vreme\b|mest[aoui]|posle|gde\b|ovde|dve\b|pre\b|uvek|ceo\b|cel[aieou]\b|reč|devoj|lep[aieo]|dete|"
    r"dec[aeiou]\b|htel|žel|nedelj|ponedelj|obave[sš]|izvešt|bezbed|svet\b|svet[aus]\b|svetsk|mle[kč]|nemač|vero[mv]|uspe|primer|"
    r"sever|slede[ćć]|telo|delo|deo\b|delim|sme[jln]|vide[lo]|žive|razume|čove[kč]|mese[cč]|meri\b|sedni|seća|"
    r"sneg|bel[aieo]\b|rek[aeiu]\b|leto|zvezd|spoljn|saopšt|vazduh)\w*"
)
_IJEKAVIAN = re.compile(
    r"\b(?:predsjed|vrijem|mjest|poslije|gdje|ovdje|dvije|prije|uvijek|cijel|riječ|rječ|djevoj|lijep|dijet|djec|"
    r"djel|dio\b|htje|želje|nedjelj|ponedjelj|obavij|izvješ|bezbjed|svijet|svjet|mlijek|mlječ|njemač|vjer|uspje|"
    r"primjer|sjever|sljed|tijel|smije|smje|vidje|živje|razumje|čovje|mjese|mjer|sjedn|sjeć|snijeg|bijel|rijek|"
    r"ljet|zvijezd|cjen|ocjen|potpredsjed|izmjen|promjen)\w*"
)
_CROATIAN = re.compile(
    r"\b(?:tko|netko|nitko|svatko|tijekom|tisuć\w*|europ\w*|siječ\w*|velja[čc]\w*|ožuj\w*|trav\w*|svib\w*|lip\w+|"
    r"srp\w+|kolovoz\w*|ruj\w+|listopad\w*|studen\w+|prosin\w*|glede|vlak\w*|tvrtk\w*|sustav\w*|vanjsk\w*|"
    r"izvješ\w*|priopć\w*|znanstv\w*|kazališ\w*|nogomet\w*|sveuč\w*|povijest\w*|zrak\w*|kruh\w*|otok\w*|točn\w*|"
    r"općenit\w*|prosvjed\w*|veleposlan\w*|uz?jet\w*|obitelj\w*|gospodar\w*|sučel\w*|prije\b|uopće|unatoč|"
    r"suradn\w*|stožer\w*|dužnosnik\w*)\b"
)
_BOSNIAN = re.compile(
    r"\b(?:ko|neko|niko|svako|hiljad\w*|evrop\w*|januar\w*|februar\w*|mart\w*|april\w*|maj\w*|jun\w*|jul\w*|"
    r"avgust\w*|septemb\w*|oktob\w*|novemb\w*|decemb\w*|historij\w*|hljeb\w*|lahk\w*|kahv\w*|mehk\w*|polahko|"
    r"također|uposlen\w*|sedmic\w*|porodic\w*|bosn\w*|sarajev\w*|sistem\w*|vazduh|saobraćaj\w*|saopć\w*|"
    r"ambasad\w*|fudbal\w*|univerz\w*)\b"
)

# What the detectors call them, and what this project does.
_SAME = {"iw": "he", "no": "nb", "jw": "jv", "in": "id", "zh-Hant": "zh", "zh-cn": "zh", "zh-tw": "zh", "sh": "sr"}
_SAME |= {"sr-ME": "sr", "tl": "tl", "fil": "tl", "mo": "ro", "crs": "fr", "bh": "hi", "blu": "hmn"}


@cache
def _script_of_block() -> dict[int, str]:
    blocks: dict[int, str] = {}
    for first, last, script, _ in _SCRIPTS:
        for block in range(first >> 4, (last >> 4) + 1):
            blocks[block] = script
    return blocks


_ONLY = {script: language for _, _, script, language in _SCRIPTS if language}


_QUOTE = re.compile(r"[«“„][^«»“”„\n]{40,600}[»”“]|\"[^\"\n]{40,600}\"")
"""Words between quotation marks that are long enough to tell a language by."""


def identify(title: str, body: str) -> Language:
    """The language of an article; the title counts as little as its length.

    Returns `und` with confidence 0 where there are no letters.
    """
    text = f"{_unquoted(body)}\n{title}" if body else title
    scripts = _scripts(text)
    if not scripts:
        return _UNKNOWN
    script, count = scripts.most_common(1)[0]
    if script == "han" and scripts["kana"] * 20 > count:
        script = "kana"
    share = round(min(1.0, count / max(1, scripts.total())), 2)
    if only := _ONLY.get(script):
        return Language(code=only, confidence=max(share, 0.9), by="script")
    lower = text[: 4 * LANGID].lower()
    if script == "cyrillic":
        return _cyrillic(lower, text)
    if script == "arabic":
        return _arabic(lower, text)
    if script == "han":
        return Language(code="zh", confidence=max(share, 0.9), by="script")
    if script == "devanagari":
        return _vote(text, frozenset(["hi", "mr", "ne"]))
    return _latin(lower, text)


def _unquoted(body: str) -> str:
    """A text without what it quotes, which may be in another language, where enough is left."""
    if len(body) < SHORT or _QUOTE.search(body) is None:
        return body
    rest = _QUOTE.sub(" ", body)
    return rest if len(rest) >= SHORT // 2 else body


def _scripts(text: str) -> Counter[str]:
    """How many letters of each script, of the first and of some from the middle."""
    sample = text if len(text) <= 2 * SAMPLE else text[:SAMPLE] + text[len(text) // 2 : len(text) // 2 + SAMPLE]
    blocks = _script_of_block()
    scripts: Counter[str] = Counter()
    for letter, count in Counter(sample).items():
        if letter.isalpha() and (script := blocks.get(ord(letter) >> 4)):
            scripts[script] += count
    return scripts


_TURKIC = frozenset(("kk", "ky", "mn", "tt"))


def _cyrillic(lower: str, text: str) -> Language:
    for language, own, never in _CYRILLIC:
        found = sum(map(lower.count, own))
        if found * 150 > len(lower) and found > 2 * sum(map(lower.count, never)):
            if language in _TURKIC and len(lower) < SHORT:
                return _vote(text, _TURKIC)
            return Language(code=language, confidence=0.97, by="script")
    if "ј" in lower:
        return _vote(text, frozenset(["sr", "mk"]))
    if "і" in lower and "и" not in lower:
        if "ы" in lower or "э" in lower:
            return Language(code="be", confidence=0.9, by="script")
        return _vote(text, frozenset(["uk", "be", "kk"]))
    if "і" in lower:
        if len(lower) < SHORT:
            return _vote(text, frozenset(["uk", "be", "kk"]))
        return Language(code="uk", confidence=0.9, by="script")
    if "ы" in lower or "э" in lower or "ё" in lower:
        if len(lower) < SHORT:
            return _vote(text, frozenset(["ru", "be", *_TURKIC]))
        return Language(code="ru", confidence=0.95, by="script")
    possible = {"ru", "bg", "uk", "mk", "sr", "be", *_TURKIC}
    if len(lower) > SHORT:
        possible -= {"mk", "sr"}  # a paragraph without ј is neither
    if re.search("ь(?!о)", lower):
        possible -= {"bg", "mk", "sr"}
    return _vote(text, frozenset(possible))


def _arabic(lower: str, text: str) -> Language:
    for language, own in _ARABIC:
        found = sum(map(lower.count, own))
        if language == "fa" and len(lower) < SHORT:
            break
        if found and found * 60 >= len(lower) - lower.count(" "):
            return Language(code=language, confidence=0.95, by="script")
    return _vote(text, frozenset(["ar", "fa", "ur"]))


def _latin(lower: str, text: str) -> Language:
    found = _vote(text, frozenset())
    if found.code in ("sr", "hr", "bs", "sl"):
        return _south_slavic(lower, found)
    if found.code in ("id", "ms"):
        return _malay(lower, found)
    if found.code in ("nl", "af") and len(text) < SHORT:
        return _dutch(lower, found)
    if len(text) > SHORT and found.confidence >= 0.5:
        if found.code == "tr" and lower.count("ə") * 100 > len(lower):
            return Language(code="az", confidence=0.95, by="script")
        return found
    hints = Counter({language: sum(map(lower.count, own)) for language, own in _ONLY_LATIN.items()})
    best, count = hints.most_common(1)[0]
    if count and best != found.code and found.confidence < 0.9 and hints[found.code] < count:
        return Language(code=best, confidence=0.7, by="script")
    return _by_small_words(lower, found) if found.confidence < AGREED else found


AGREED = 0.95
"""Confidence from which detectors are not doubted."""
MORE = 2
"""Small words by which another language must outnumber the detectors' answer."""


def _by_small_words(lower: str, found: Language) -> Language:
    """The detectors' answer for a short text, unless its commonest small words are another language's."""
    languages = _small_words()
    counts = Counter(chain.from_iterable(languages.get(word, ()) for word in re.findall(r"[^\W\d_]+", lower)))
    if not counts or found.code not in _with_small_words():
        return found
    most = max(counts.values())
    best = [language for language, count in counts.items() if count == most]
    if len(best) > 1 or most < counts[found.code] + MORE:
        return found
    return Language(code=best[0], confidence=0.6, by="words")


@cache
def _with_small_words() -> frozenset[str]:
    return frozenset(chain.from_iterable(_small_words().values()))


@cache
def _small_words() -> dict[str, list[str]]:
    """The languages that each small word belongs to."""
    with (Path(__file__).parent / "languages" / "function-words.yaml").open(encoding="utf-8") as file:
        words: dict[str, list[str]] = yaml.safe_load(file)
    languages: dict[str, list[str]] = defaultdict(list)
    for language, own in words.items():
        for word in own:
            languages[word].append(language)
    return dict(languages)


def _south_slavic(lower: str, found: Language) -> Language:
    """Serbian from Croatian and Bosnian by how they say old ě, the last two by their own words."""
    if found.code == "sl":
        return found
    east, west = len(_EKAVIAN.findall(lower)), len(_IJEKAVIAN.findall(lower))
    hr, bs = len(_CROATIAN.findall(lower)), len(_BOSNIAN.findall(lower))
    if east > west and east >= hr:
        return Language(code="sr", confidence=0.9, by="script")
    if west >= east and hr != bs and west + hr + bs > 1:
        return Language(code="hr" if hr > bs else "bs", confidence=0.8, by="script")
    return found


_MALAY = re.compile(
    r"\b(?:kerana|ialah|wang|polis|syarikat|kereta|pelbagai|semasa|manakala|bahawa|iaitu|mahu|beliau|awak|"
    r"hospital|lelaki|sekolah rendah|kementerian|pengarah|pertubuhan|tentera|perniagaan|kerajaan|rakyat|baharu|"
    r"pejabat|kanak|bandar|ringgit|dijangka|memaklumkan|\w+iti|nombor|filem|muzik|buruh|doktor|lapangan|faedah|"
    r"kakitangan|bilangan|cuti|tandas|petang|esok|mesyuarat|sahaja|adakah|bas)\b"
)
_INDONESIAN = re.compile(
    r"\b(?:karena|adalah|uang|polisi|perusahaan|mobil|berbagai|saat|sementara|bahwa|yaitu|mau|anda|rumah sakit|"
    r"pria|namun|kantor|direktur|organisasi|bisnis|pemerintah|warga|baru|anak|kota|rupiah|bisa|\w+itas|\w+asi|"
    r"nomor|musik|dokter|tersebut|sejumlah|libur|sore|besok|rapat|saja|apakah|bus|kami|bahwa|gubernur|provinsi|"
    r"sebesar|tim|agar|hingga|jika|kata)\b"
)


def _malay(lower: str, found: Language) -> Language:
    """Malay from Indonesian by the words that only one of them has."""
    if len(_MALAY.findall(lower)) > len(_INDONESIAN.findall(lower)):
        return Language(code="ms", confidence=0.8, by="script")
    return found


_DUTCH = re.compile(
    r"\b(?:de|een|zijn|niet|ook|voor|naar|bij|uit|heeft)\b|\w(?:ij|sch|z|cht)|\w\w(?:[kpfs]t|[^\Wi]en)\b|\bz"
)
_AFRIKAANS = re.compile(
    r"\b(?:nie|vir|wat|hy|sy|ons|hulle|sê|gaan|kan|by|word|[‘’']n)\b|[‘’']n\b|\w[rlnt]y|\w(?:skap|heid)\b|\bsk\w"
)


def _dutch(lower: str, found: Language) -> Language:
    """Dutch from Afrikaans in a short text, by spelling and the small words of each."""
    dutch, afrikaans = len(_DUTCH.findall(lower)), len(_AFRIKAANS.findall(lower))
    if dutch == afrikaans:
        return found
    return Language(code="nl" if dutch > afrikaans else "af", confidence=0.8, by="script")


_CONFUSABLE = frozenset(("id", "ms", "nb", "da", "nn", "cs", "sk", "gl", "hr", "bs", "sr", "xh", "zu", "tr"))
"""Languages that pycld2 takes for one another."""


def _vote(text: str, among: frozenset[str]) -> Language:
    """The detectors' answer, of these languages where any are given."""
    if len(text) < BRIEF:
        return _weigh(text, among)
    cld, sure, reliable = _cld2(text)
    if among and cld not in among:
        cld, sure, reliable = "", 0.0, False
    if reliable and sure >= SURE and len(text) >= LANGID and cld not in _CONFUSABLE:
        return Language(code=cld, confidence=sure, by="cld2")
    langid = _langid(text, among)
    if cld and cld == langid:
        return Language(code=cld, confidence=max(sure, 0.95), by="cld2+langid")
    if cld and reliable:
        return Language(code=cld, confidence=max(sure * 0.9, 0.5), by="cld2")
    if cld and langid and (third := _langdetect(text)) in (cld, langid):
        return Language(code=third, confidence=0.6, by=f"{'cld2' if third == cld else 'langid'}+langdetect")
    return Language(code=langid or cld or "und", confidence=0.4, by="langid" if langid else "cld2")


_RARE = frozenset(("nso", "ext", "pcm", "wa", "an", "oc", "vo", "rn", "nrm", "tpi", "ay", "qu"))
"""Languages that py3langid is fond of and newsrooms hardly write."""
WEIGHTS = {"cld2": 0.9, "langid": 1.0, "langdetect": 0.7}
"""What a voice says of a few words counts this much."""


def _weigh(text: str, among: frozenset[str]) -> Language:
    """Of a few words: the language to which the voices together give the most."""
    scores: dict[str, float] = defaultdict(float)
    cld, sure, reliable = _cld2(text)
    shares = [(code, share) for code, share in _langid_shares(text) if code not in _RARE]
    if reliable and not among and cld not in _langid_knows() and shares[0][0] not in _with_small_words():
        return Language(code=cld, confidence=round(sure * 0.9, 2), by="cld2")
    if cld:
        scores[cld] += WEIGHTS["cld2"] * (sure if reliable else 0.5)
    for code, share in shares:
        scores[code] += WEIGHTS["langid"] * share
    known = _langdetect_knows()
    if len({cld, shares[0][0]}) > 1 and {cld, shares[0][0]} <= known | {""}:
        for code, share in _langdetect_shares(text):
            scores[code] += WEIGHTS["langdetect"] * share
    allowed = {code: score for code, score in scores.items() if not among or code in among}
    if not allowed:
        return Language(code=min(among), confidence=0.1, by="script") if among else _UNKNOWN
    code = max(sorted(allowed), key=lambda one: allowed[one])
    return Language(code=code, confidence=round(allowed[code] / sum(scores.values()), 2), by="cld2+langid+langdetect")


def _langid_shares(text: str) -> list[tuple[str, float]]:
    ranked = py3langid.rank(text.lower() if text.isupper() else text)[:12]
    top = ranked[0][1]
    weights = [math.exp(max(score - top, -50.0)) for _, score in ranked]
    total = sum(weights)
    return [(_SAME.get(code, code), weight / total) for (code, _), weight in zip(ranked, weights, strict=True)]


@cache
def _langid_knows() -> frozenset[str]:
    return frozenset(_SAME.get(code, code) for code, _ in py3langid.rank(""))


def _langdetect_shares(text: str) -> list[tuple[str, float]]:
    try:
        detector = _langdetect_factory().create()
        detector.append(text)
        return [(_SAME.get(found.lang, found.lang), found.prob) for found in detector.get_probabilities()]
    except LangDetectException:
        return []


def _cld2(text: str) -> tuple[str, float, bool]:
    if len(text) > 2 * CLD2:
        middle = text.find(" ", len(text) // 2)
        text = f"{text[:CLD2]} {text[middle : middle + CLD2]}"
    try:
        reliable, _, details = pycld2.detect(text.encode("utf-8", "replace"), bestEffort=True)
    except pycld2.error:
        return "", 0.0, False
    code = details[0][1]
    return ("" if code == "un" else _SAME.get(code, code)), details[0][2] / 100, bool(reliable)


def _langid(text: str, among: frozenset[str]) -> str:
    sample = text[:LANGID].lower() if text[:LANGID].isupper() else text[:LANGID]
    if not among:
        code: str = py3langid.classify(sample)[0]
        return _SAME.get(code, code)
    ranked: list[str] = [_SAME.get(code, code) for code, _ in py3langid.rank(sample)]
    return next((code for code in ranked if code in among), "")


def _langdetect(text: str) -> str:
    """Slow, and made for documents: asked only where the others disagree."""
    try:
        detector = _langdetect_factory().create()
        detector.append(text[:LANGID])
        code: str = detector.detect()
    except LangDetectException:
        return ""
    return _SAME.get(code, code)


@cache
def _langdetect_knows() -> frozenset[str]:
    return frozenset(_SAME.get(code, code) for code in _langdetect_factory().langlist)


class _Grams(dict[str, bytes]):
    """Letter groups to their share in each language, packed: most stand in one language and hardly any in many."""

    share = struct.Struct("<Bd")
    """Number of a language, and how much of its groups of this length this one is."""

    def __init__(self) -> None:
        super().__init__()
        self.languages = 0

    def __getitem__(self, gram: str) -> list[float]:  # type: ignore[override]
        shares = [0.0] * self.languages
        for language, share in self.share.iter_unpack(super().__getitem__(gram)):
            shares[language] = share
        return shares


class _Profiles(DetectorFactory):  # type: ignore[misc]
    """What langdetect knows of its languages, in a third of the memory that its own lists take."""

    def __init__(self) -> None:
        super().__init__()
        self.word_lang_prob_map: _Grams = _Grams()

    def add_profile(self, profile: Any, index: int, langsize: int) -> None:
        """Called by `load_profile` for each language."""
        self.langlist.append(profile.name)
        grams = self.word_lang_prob_map
        grams.languages = langsize
        for gram, count in profile.freq.items():
            if 1 <= len(gram) <= 3:
                grams[gram] = grams.get(gram, b"") + grams.share.pack(index, count / profile.n_words[len(gram) - 1])


@cache
def _langdetect_factory() -> _Profiles:
    profiles = _Profiles()
    profiles.load_profile(PROFILES_DIRECTORY)
    return profiles


_SCRIPT_OF = {
    "cyrillic": "ru uk be bg sr mk kk ky mn tg tt",
    "arabic": "ar fa ur ps ckb ug",
    "devanagari": "hi mr ne",
    "han": "zh ja",
} | {script: language for script, language in _ONLY.items() if script not in ("kana",)}
_SCRIPT_BY_LANGUAGE = {language: script for script, languages in _SCRIPT_OF.items() for language in languages.split()}

_ALPHABETS = {
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
    "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
    "fa": "ءآائئوبپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
    "ur": "ءآأائؤئبپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوہھےیۂ",
    "ar": "ءآأإائؤئبتثجحخدذرزسشصضطظعغفقكلمنهويىة",
}
_RANGES = {
    script: "".join(f"{chr(first)}-{chr(last)}" for first, last, name, _ in _SCRIPTS if name == script)
    for _, _, script, _ in _SCRIPTS
}


def script_of(language: str) -> str:
    """The script that a language is written in; `latin` where nothing else is known."""
    return _SCRIPT_BY_LANGUAGE.get(language, "latin")


_JAPANESE = _RANGES["kana"] + _RANGES["han"] + "々"


@cache
def alphabet(language: str) -> re.Pattern[str]:
    """Matches a name that can be spelled in this language's letters."""
    letters = _ALPHABETS.get(language, "")
    inside = (letters + letters.upper()) if letters else _RANGES[script_of(language)]
    return _spelled_in(_JAPANESE if language == "ja" else inside)


def script_of_name(name: str) -> str:
    """The script in which a name is spelled throughout, kana counting as `han`; empty where it mixes scripts."""
    for script, letters in _RANGES.items():
        if _spelled_in(_JAPANESE if script == "han" else letters).fullmatch(name):
            return "han" if script == "kana" else script
    return ""


@cache
def _spelled_in(letters: str) -> re.Pattern[str]:
    return re.compile(rf"[{letters}'’ʼ .·・-]+")
