"""Collect the texts of pages and errors into the Chinese catalog; name those that still need a translation."""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "examapp/web/translations/zh/LC_MESSAGES/messages.po"
# no dates and no tool versions, so that only a changed text changes the file
HEADER = """\
# Simplified Chinese texts of examapp.
msgid ""
msgstr ""
"Language: zh\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extracted() -> Catalog:
    """Return every text that is marked in Python and templates; `.ci/babel.cfg` says where."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        options = ["-F", ".ci/babel.cfg", "-k", "_l", "--no-location", "-o", str(template), "examapp"]
        subprocess.run(
            [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", *options], cwd=ROOT, check=True
        )
        return read_po(io.BytesIO(template.read_bytes()))


def updated(template: Catalog) -> Catalog:
    """Return the catalog with the template's texts in their order, old translations kept where the text is the same."""
    stored = read_po(io.BytesIO(CATALOG.read_bytes()), locale="zh")
    stored.update(template, no_fuzzy_matching=True)
    stored.obsolete.clear()
    return stored


def is_translated(message: Message) -> bool:
    """Say whether every form of a message has its translation."""
    forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return all(forms) and not message.fuzzy


def main() -> int:
    catalog = updated(extracted())
    text = io.BytesIO()
    write_po(text, catalog, width=120, omit_header=True)
    CATALOG.write_text(HEADER + text.getvalue().decode("utf-8").strip() + "\n", encoding="utf-8")
    missing = [message.id for message in catalog if message.id and not is_translated(message)]
    for source in missing:
        print(f"not translated: {source}")
    print(f"{len(catalog)} texts, {len(missing)} without a translation")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
