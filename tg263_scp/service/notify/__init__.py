"""Telling people that something waits for them: by a webhook and by mail, grouped, at most once an hour for each cause.

It must not know a ROI name or a patient: a message says how many objects there are, which job numbers, and what to do. Begin
with ``causes.py``, then ``notifier.py``.
"""
