"""The names API: a planning script asks what its structures should be called, before the plan is approved.

Knows tokens and no cookies; answers what ``map`` answers. Begin with ``application``.
"""
