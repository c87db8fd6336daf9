"""Read what the platform has stored."""

from twelvelabs_async.emulator import Emulator


async def read_asset(emulator: Emulator, asset_id: str) -> bytes:
    """Return all bytes of an asset, as the emulator stored them."""
    return b"".join([piece async for piece in emulator.asset_bytes(asset_id)])
