# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which IP addresses may be connected to on the word of a certificate."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# RFC 6052 2.1: a translator (NAT64) makes IPv4 of the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")

# Where clouds answer any process of a machine with its credentials, and the address is not link-local: AWS, Alibaba Cloud.
_METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200")})


def forbidden(address: str, allow_private: bool) -> str | None:
    """What kind of address it is, if it may not be connected to, in words that follow `is`; None where it may.

    address: as the resolver gives it, perhaps with a zone. allow_private: private and loopback addresses may. Link-local
    ones (most clouds' metadata services have one) and other metadata services never may, nor do multicast, reserved and
    unspecified ones.
    """
    found = _behind(ip_address(address))
    if found.is_loopback:
        return None if allow_private else "a loopback address"
    never = (
        ("a cloud's metadata service", found in _METADATA),
        ("a link-local address", found.is_link_local),
        ("a multicast address", found.is_multicast),
        ("a reserved address", found.is_unspecified or found.is_reserved),
    )
    for kind, holds in never:
        if holds:
            return kind
    # what is left of the special ones: RFC 1918, 4193 and 6598, site-local ones, documentation, ...
    private = not found.is_global or (isinstance(found, IPv6Address) and found.is_site_local)
    return "a private address" if private and not allow_private else None


def _behind(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to: mapped (RFC 4291 2.5.5.2), NAT64, 6to4 (RFC 3056)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour or address
