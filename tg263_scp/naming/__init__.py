"""What should this ROI be called, and why? The rooms stand on each other: *words* (what was written), *standard*
(what may be written), *organs* and *targets* (a name read), *rules* (what is proposed, and what is vetoed), *llm*
(what a language model is asked), and on top :mod:`~tg263_scp.naming.decide`. Nothing here knows DICOM, a network, a
clock or a logger; only the loaders read files. Begin with ``decide.py``: it opens with the table of rules.
"""
