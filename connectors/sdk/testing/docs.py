"""Writes `docs/source-kinds.md`: `python -m connectors.sdk.testing.docs`."""

from connectors.sdk.testing.describe import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"wrote {PAGE}")
