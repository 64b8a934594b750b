"""What we write into an object: new names, the record of the change, new UIDs, references; and how each is proven and
reverted. Every byte outside the edited elements is the sender's. Begin with ``relabel.py``.
"""
