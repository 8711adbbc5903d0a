"""Article pages and HTML fragments as plain text. Bytes or strings in, no I/O."""

from connectors.pages.fragment import read_fragment
from connectors.pages.page import MAX_PAGE, Page, read_page
from connectors.pages.sites import SiteRuleError, SiteRules, load_site_rules

__all__ = ["MAX_PAGE", "Page", "SiteRuleError", "SiteRules", "load_site_rules", "read_fragment", "read_page"]
