"""Reports that people print and put before a board: pages (``page.py``), figures (``charts.py``), the statistics of whole
sets (``clusters.py``) and of weeks (``drift_weeks.py``). Knows no command line. Begin with ``page.py``.
"""
