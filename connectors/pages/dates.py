"""Dates as pages write them. A date that can be read in two ways is not read."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

MAX_DATE = 200
"""Characters of a date that are looked at."""
ZONE = (
    r"(?:UTC|GMT)?[+\-−]\d{2}:?\d{2}|[+\-−]\d{2}\b|"
    r"(?:Z|UTC|GMT|[ECMP][SD]T|CES?T|EES?T|WET|MSK|WIB|HKT|[JK]ST)\b"
)
ISO = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?P<mark>\.\s|[-/.]|)(?P<month>\d{2}|(?<=[-/.\s])\d)"
    r"(?P=mark)(?P<day>\d{2}|(?<=[-/.\s])\d)(?!\d)"
    r"(?:(?:\s*T\s*|[ ,]+|\s+at\s+)(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,:]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>" + ZONE + r")?)?",
    re.I,
)
FIGURES = (
    r"(?<!\d)(?P<{}>\d{{1,2}})(?P<mark>[./-])(?P<{}>\d{{1,2}})(?P=mark)(?P<year>[12]\d{{3}})(?!\d)"
    r"(?:\D{{1,12}}(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?\s*(?P<half>[ap]\.?m\.?)?)?"
    r"\s*(?P<zone>{})?"
)
DAY_FIRST = re.compile(FIGURES.format("day", "month", ZONE), re.I)
MONTH_FIRST = re.compile(FIGURES.format("month", "day", ZONE), re.I)
SIGNS = re.compile(
    r"(?P<year>[12]\d{3})\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日号號일]?"
    r"(?:\D{0,12}(?P<hour>\d{1,2})\s*[:：時时點点시]\s*(?P<minute>\d{2})?)?"
)
NAMED = re.compile(
    r"(?<!\d)\d{1,2}(?:st|nd|rd|th|er|º|ª|-?(?:го|е))?[\s.,-]{1,3}(?:(?:de|di|of|da)\s)?"
    r"[^\s\d.,/:;()|-]{3,20}\.?,?[\s-](?:(?:de|del|di)\s)?[12]\d{3}(?!\d)"
    r"|[^\s\d.,/:;()|-]{3,20}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s[12]\d{3}(?!\d)",
    re.I,
)
CLOCK = re.compile(
    rf"(?<![\d:])(\d{{1,2}})(?::|h|\.(?=\d\d\s*Uhr))(\d{{2}})(?::\d{{2}})?\s*([ap]\.?m\b\.?)?\s*({ZONE})?", re.I
)
MAIL = re.compile(
    r"(?:[a-z]{3},\s*)?\d{1,2} [a-z]{3} \d{4} \d{1,2}:\d{2}(?::\d{2})?(?:\s+(?:[+-]\d{4}|[a-z]{1,4}))?", re.I
)
URL_DAY = re.compile(
    r"/((?:19|20)\d{2})[/-]?(0[1-9]|1[0-2]|[1-9](?=[/-]))[/-]?(0[1-9]|[12]\d|3[01]|[1-9](?=[/-]))(?=\D)"
)
HOURS = {-8: "PST", -7: "PDT MST", -6: "MDT CST", -5: "CDT EST", -4: "EDT", 0: "WET", 1: "CET", 2: "CEST EET"} | {
    3: "EEST MSK",
    7: "WIB",
    8: "HKT",
    9: "JST KST",
}
ZONES = {zone: hours for hours, zones in HOURS.items() for zone in zones.split()}
"""Hours from UTC, of those letters that mean one zone to those who write news."""
DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९", "0123456789" * 3)
UNDECLARED = ["es", "fr", "de", "pt", "it", "ru", "uk", "ar"]
"""Languages whose months are tried where a page declares none; to load all takes dateparser half a minute."""
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""What lies outside is no date of a page on the web."""


def read_date(raw: str, language: str = "") -> datetime | None:
    """The moment a text names, in UTC; midnight where it names a day, UTC where it names no zone.

    Takes ISO 8601 in its many spellings, RFC 2822, seconds and milliseconds since 1970, day.month.year, the dates of
    Chinese, Japanese and Korean, and months by name in the page's language. 03/04/2031 is two dates and so none.
    """
    text = raw.strip()[:MAX_DATE].translate(DIGITS)
    if not any(sign.isdigit() for sign in text):
        return None
    for read in (_epoch, _iso, _mail, _signs, _numeric):
        found = read(text)
        if found:
            return _within(found)
    return _within(_named(text, language))


def url_date(url: str) -> tuple[str, datetime | None]:
    """The day in a URL's path, as written there and as a date."""
    path = re.sub(r"^https?://[^/?#]*", "", url, flags=re.I).partition("?")[0].partition("#")[0][:1000] + "/"
    found = URL_DAY.search(path)
    if not found:
        return "", None
    return found[0].strip("/"), _within(_moment(int(found[1]), int(found[2]), int(found[3])))


def _within(found: datetime | None) -> datetime | None:
    return found if found and FIRST <= found < LAST else None


def _moment(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, zone: str = "", half: str = ""
) -> datetime | None:
    if half:
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    try:
        return (datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    found = re.search(r"([+\-−])(\d{2}):?(\d{2})?$", text)
    if not found:
        return timezone(timedelta(hours=ZONES.get(text.upper(), 0)))
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(offset if found[1] == "+" else -offset)


def _groups(found: re.Match[str]) -> datetime | None:
    part = found.groupdict()
    hour, minute, second = (int(part.get(name) or 0) for name in ("hour", "minute", "second"))
    day = (int(part["year"]), int(part["month"]), int(part["day"]))
    return _moment(*day, hour, minute, second, part.get("zone") or "", part.get("half") or "")


def _epoch(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{9,10}(?:\d{3})?(?:\.\d+)?", text):
        return None
    seconds = float(text)
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)


def _iso(text: str) -> datetime | None:
    found = ISO.search(text)
    return _groups(found) if found else None


def _mail(text: str) -> datetime | None:
    if not MAIL.fullmatch(text):
        return None
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _signs(text: str) -> datetime | None:
    found = SIGNS.search(text)
    return _groups(found) if found else None


def _numeric(text: str) -> datetime | None:
    """Day, month and year in figures: with points the day comes first, else it must show which is which."""
    found = DAY_FIRST.search(text)
    if not found:
        return None
    day, month = int(found["day"]), int(found["month"])
    if found["mark"] == "." or day > 12 or day == month:
        return _groups(found)
    if month <= 12:
        return None
    month_first = MONTH_FIRST.search(text)
    return _groups(month_first) if month_first else None


def _named(text: str, language: str) -> datetime | None:
    """A date whose month is a word; dateparser knows the words of two hundred languages."""
    found = NAMED.search(text)
    if not found:
        return None
    day = _dateparser(found[0], language)
    if day is None:
        return None
    clock = CLOCK.search(text[found.end() :]) or CLOCK.search(text[: found.start()])
    if not clock:
        return day
    hour, minute = int(clock[1]), int(clock[2])
    return _moment(day.year, day.month, day.day, hour, minute, zone=clock[4] or "", half=clock[3] or "") or day


def _dateparser(text: str, language: str) -> datetime | None:
    import dateparser  # type: ignore[import-untyped]

    code = re.split(r"[-_]", language.lower())[0]
    settings = {"STRICT_PARSING": True, "PARSERS": ["absolute-time"], "DATE_ORDER": "DMY"}
    for languages in (["en"], [code] if code else UNDECLARED):
        try:
            found = dateparser.parse(text, languages=languages, settings=settings)
        except Exception:  # a language it does not know, or whatever else it stumbles over
            continue
        if found:
            return datetime(found.year, found.month, found.day, tzinfo=UTC)
    return None
