"""Is what was delivered really there? Each destination that wants it is asked, and what it says is kept and told. It sends no
object and changes no delivery. Begin with ``reading_back.py``; ``ledger.py`` is the account.
"""
