"""What people run beside the node: bulk relabelling, mapping of name lists, reports, the demo."""
