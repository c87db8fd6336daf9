"""What bounds the uploads of one client, all of them together."""

import asyncio

from attrs import define


@define(eq=False)
class UploadLimits:
    """What all uploads of a client share.

    Attributes:
        uploads: Admits an upload before it opens its file or its session.
        puts: Bounds the bodies under way; held for an attempt and not for a pause.
        outage_timeout: Seconds after the last answer until which a dead network is waited out.
    """

    uploads: asyncio.Semaphore
    puts: asyncio.Semaphore
    outage_timeout: float
