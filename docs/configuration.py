"""Write ``docs/configuration.md`` from the file with every setting and its default.

python docs/configuration.py
"""

from __future__ import annotations

import re
from pathlib import Path

from tg263_scp.config.loading import DEFAULTS_PATH

TARGET = Path(__file__).with_name("configuration.md")
_HEAD = """# Every setting

Made from `tg263_scp/config/default_config.yaml` by `python docs/configuration.py`. Your own file needs only what differs.

"""


def page(defaults: str) -> str:
    """Return the page: the introduction of the file, then one part for each section."""
    head, *sections = re.split(r"^(?=[a-z_]+:)", defaults, flags=re.MULTILINE)
    told = "\n".join(line.removeprefix("#").removeprefix(" ") for line in head.strip().splitlines()[1:])
    parts = [f"## {section.partition(':')[0]}\n\n```yaml\n{section.rstrip()}\n```\n" for section in sections]
    return _HEAD + told.strip() + "\n\n" + "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(DEFAULTS_PATH.read_text(encoding="utf-8")), encoding="utf-8")
