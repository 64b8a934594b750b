"""The review desk: a web page on which people decide open names and look after the node, and the names API for scripts.

A process of its own, which knows the node by its configuration, journal, spool, audit log and review store alone: a page never
slows an acknowledgement. It decides nothing about names itself and writes nothing but through journal and review store. Needs
the extra ``desk``. Begin with ``server``, which puts the application together.
"""
