"""`/alerts.atom`: the alerts as an Atom feed (RFC 4287), with the filters of the list."""

import re
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.alert import Alert
from pipeline.web.alerts import recent
from pipeline.web.pages import console
from pipeline.web.words import INFORMATION_GRADES, SOURCE_GRADES, count, iso, names, speakers

ATOM = "http://www.w3.org/2005/Atom"

_UNSENDABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry."""


def feed(request: Request) -> Response:
    """An entry an alert, in its latest state, newest change first."""
    alerts, filters = recent(request)
    home = str(request.base_url)
    root = ElementTree.Element("feed", xmlns=ATOM)
    _add(root, "id", str(request.url))
    _add(root, "title", " · ".join(["wirewatch alerts", *(value for value in filters.values() if value)]))
    _add(root, "updated", iso(max((alert.times.changed for alert in alerts), default=console(request).now())))
    ElementTree.SubElement(root, "link", rel="self", href=str(request.url))
    ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=home)
    for alert in alerts:
        root.append(entry(alert, home))
    body = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return Response(body, media_type="application/atom+xml")


def entry(alert: Alert, home: str) -> ElementTree.Element:
    """One alert as an Atom entry; its id stays through every change, its `updated` moves."""
    element = ElementTree.Element("entry")
    _add(element, "id", f"urn:wirewatch:alert:{alert.id}")
    _add(element, "title", f"[{alert.severity}] {alert.headline}")
    _add(element, "updated", iso(alert.times.changed))
    _add(element, "published", iso(alert.times.raised))
    _add(ElementTree.SubElement(element, "author"), "name", "wirewatch")
    ElementTree.SubElement(element, "link", rel="alternate", type="text/html", href=f"{home}alerts/{alert.id}")
    for term in (alert.desk, alert.severity, alert.change, alert.rule.id):
        ElementTree.SubElement(element, "category", term=term)
    grade = alert.reliability
    articles = alert.article_count or len(alert.articles)
    said = [
        alert.summary,
        f"{count(alert.origins, 'independent origin')}, {count(articles, 'article')}.",
        f"Source {SOURCE_GRADES[grade.source]}; information {INFORMATION_GRADES[grade.information]}.",
    ]
    denied = speakers(alert, "denies")
    if denied:
        said.append(f"Denied by {names(denied)}.")
    _add(element, "summary", " ".join(said))
    return element


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = _UNSENDABLE.sub("\ufffd", text)


routes = [Route("/alerts.atom", feed)]
