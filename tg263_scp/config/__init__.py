"""The configuration file: sections and their fields, the keys a user may write, and how file and defaults become one
object. It knows the ranges of settings and nothing of what they do. Begin with ``default_config.yaml``, then
``sections.py``; ``loading.py`` reads the file.
"""
