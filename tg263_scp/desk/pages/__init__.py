"""The pages of the desk: what people see and what their forms ask for.

Rendered here as HTML that works without a script; every change goes through journal and review store. Begin with ``rendering``,
then the page you look for.
"""
