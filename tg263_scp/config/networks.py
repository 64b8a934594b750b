"""Is the address of a peer in one of the listed networks?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def in_networks(address: str, networks: Iterable[str]) -> bool:
    """Tell whether an IP address, as the socket names it, is in one of the networks (``10.1.0.0/16``, ``10.1.2.3/32``).

    A zone (``fe80::1%eth0``) does not count, and ``::ffff:10.1.2.3`` is ``10.1.2.3``. What is no address is in no network.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    known = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(known in ipaddress.ip_network(network) for network in networks)
