"""Read what the platform has stored."""

from twelvelabs_async.emulator import Emulator


async def read_asset(emulator: Emulator, asset_id: str) -> bytes:
    """Return all bytes of an asset, as the emulator stored them."""
    return b"".join([piece async for piece in emulator.asset_bytes(asset_id)])


async def has_stored(emulator: Emulator, asset_id: str, data: bytes) -> bool:
    """Whether an asset has these bytes; compared in pieces, for there may be many."""
    at = 0
    async for piece in emulator.asset_bytes(asset_id):
        if piece != data[at : at + len(piece)]:
            return False
        at += len(piece)
    return at == len(data)
