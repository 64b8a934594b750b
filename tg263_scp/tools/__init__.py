"""One file a verb of the command line, named like the verb, in the room of its purpose: *names*, *operate*,
*statement*, *archive*, *demo*; *shared* is what they have in common. Begin with ``cli.py`` above, which says what
each verb takes.
"""
