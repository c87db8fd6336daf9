"""The catalogue: every named fault that the client is tested against.

The tests run each one alone and in pairs, and the README's table is made from the catalogue.
``emulator.faults.add(named_fault("slow-down", chunk_index=2))`` scripts one.
"""

from typing import Any

from twelvelabs_async.emulator.call_faults import CALL_FAULTS
from twelvelabs_async.emulator.faults import Fault
from twelvelabs_async.emulator.named_faults import NamedFault
from twelvelabs_async.emulator.put_faults import PUT_FAULTS

CATALOGUE: dict[str, NamedFault] = {each.name: each for each in (*PUT_FAULTS, *CALL_FAULTS)}


def named_fault(name: str, **changes: Any) -> Fault:
    """Return a new fault of a name, to be added to a script.

    Args:
        name: Of the catalogue, such as ``slow-down``.
        changes: Arguments of ``Fault`` to replace, such as ``route``, ``chunk_index``, ``after``
            or ``times``.

    Raises:
        KeyError: No such name; the text lists them all.
        ValueError: The fault could never happen so.
    """
    if name not in CATALOGUE:
        raise KeyError(f"no fault is called {name!r}; there are {', '.join(sorted(CATALOGUE))}")
    return CATALOGUE[name].fault(**changes)
