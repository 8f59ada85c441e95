"""Which addresses of the net may be told something: everybody's, and nobody's own."""

from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

# Beyond what every version of `is_global` leaves out: addresses of protocols, the relays of 6to4 (RFC 7526),
# and those for documentation (RFC 9637).
_REFUSED = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
# Of IPv6 only this is given out to networks (RFC 4291); NAT64 and mapped addresses are outside of it.
_GIVEN_OUT_V6 = ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public net, and is not a way around to another address.

    `is_global` alone is not enough: multicast addresses can be global, and 6to4, Teredo and IPv4-mapped
    ones lead to an IPv4 address of anybody's choice.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in _REFUSED):
        return False
    if isinstance(address, IPv4Address):
        return True
    wraps = (address.ipv4_mapped, address.sixtofour, address.teredo)
    return address in _GIVEN_OUT_V6 and address.scope_id is None and not any(wraps)
