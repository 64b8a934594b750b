"""Is the address of a peer in one of the listed networks?"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address


def in_networks(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Tell whether an IP address, as the socket names it, is in one of the networks.

    A zone does not count, and an IPv4 address written as IPv6 is the IPv4 address. What is no address is in no network.

    >>> ours = [IPv4Network("10.1.0.0/16"), IPv6Network("fe80::/10")]
    >>> [in_networks(address, ours) for address in ("10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0")]
    [True, True, True]
    >>> [in_networks(address, ours) for address in ("10.2.0.1", "::ffff:10.2.0.1", "TPS", "")]
    [False, False, False, False]
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    known = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(known in network for network in networks)
