"""``NO_PROXY``: which hosts are reached without the proxy of the environment.

As curl and requests read it: names and their subdomains, addresses, networks, ports, and ``*``.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

_Address = IPv4Address | IPv6Address
_PORT_DIGITS = 5


def bypasses(url: URL, no_proxy: str) -> bool:
    """Whether ``url`` is reached directly.

    Args:
        url: Where a request goes.
        no_proxy: Entries, separated by commas or white space: ``*`` (everything), a host with its
            subdomains (``example.com``, ``.example.com`` or ``*.example.com``), an address, a
            network (``10.0.0.0/8``, ``fd00::/8``); each but a network may end in a port
            (``localhost:8080``, ``[::1]:443``), and is about that port alone then. Case does not
            matter. Anything else matches nothing.
    """
    return any(_matches(url, entry) for entry in no_proxy.replace(",", " ").split())


def _matches(url: URL, entry: str) -> bool:
    if entry == "*":
        return True
    host = (url.raw_host or "").rstrip(".").lower()
    address = _address(host)
    if "/" in entry:
        return address is not None and _is_in(address, entry)
    name, port = _split(entry)
    if port is not None and port != url.port:
        return False
    wanted = _address(name)
    if wanted is not None or address is not None:
        return wanted == address
    domain = _ascii(name.removeprefix("*").strip(".").lower())
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _split(entry: str) -> tuple[str, int | None]:
    """Return the host of an entry and its port, if it has one."""
    if _address(entry) is not None:  # an IPv6 address has colons of its own
        return entry, None
    name, colon, port = entry.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) <= _PORT_DIGITS:
        return name, int(port)
    return entry, None


def _address(text: str) -> _Address | None:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_address(inner)
    except ValueError:
        return None


def _is_in(address: _Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _ascii(name: str) -> str:
    """Return a host's name as it is looked up."""
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name
