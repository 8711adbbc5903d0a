"""The package that `wirewatch sources new` writes: a kind of source that works, to be changed into one's own."""

from pathlib import Path
from string import Template

HERE = Path(__file__).parent
FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "source.py.txt": "{module}.py",
    "test_source.py.txt": "test_{module}.py",
}


def write(name: str, into: Path) -> list[Path]:
    """Writes the package of a kind called `name` (small letters, figures, hyphens) and gives the files' paths."""
    module = f"wirewatch_{name.replace('-', '_')}"
    written = []
    into.mkdir(parents=True, exist_ok=True)
    for template, target in FILES.items():
        path = into / target.format(module=module)
        text = Template((HERE / template).read_text("utf-8")).substitute(name=name, module=module)
        path.write_text(text, "utf-8")
        written.append(path)
    return written
