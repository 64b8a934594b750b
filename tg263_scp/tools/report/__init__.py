"""Reports that people print and put before a board: pages (``page.py``), figures (``charts.py``) and the statistics of whole
sets (``clusters.py``). Knows neither names nor logs. Begin with ``page.py``.
"""
