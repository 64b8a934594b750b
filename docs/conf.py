"""How Sphinx builds these documents as a site: `make docs`. Nothing is loaded from outside."""

project = "tg263-scp"
author = "the tg263-scp authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "pictures/*.py"]
html_theme = "furo"
html_title = "tg263-scp"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]
