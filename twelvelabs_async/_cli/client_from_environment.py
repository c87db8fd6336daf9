"""The platform that a command talks to: the key is the environment's, and nobody else's."""

import os

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli.outcomes import WrongUsageError
from twelvelabs_async.client import API_KEY_VARIABLES

CALLS_AT_ONCE = 4
"""Slots of a client that moves no chunks: enough for speed, few enough for a rate limit."""


def check_key(*, otherwise: str = "") -> None:
    """Refuse to begin without a key.

    Args:
        otherwise: What else could be done, as the end of the sentence.

    Raises:
        WrongUsageError: The environment has none.
    """
    if not any(map(os.environ.get, API_KEY_VARIABLES)):
        raise WrongUsageError(f"there is no API key: set {API_KEY_VARIABLES[0]}{otherwise}")


def platform(base_url: str | None, max_concurrency: int = CALLS_AT_ONCE) -> AsyncTwelveLabs:
    """Return a client with the environment's key and proxies.

    Raises:
        ConfigurationError: It cannot be made with these settings.
    """
    return AsyncTwelveLabs(base_url=base_url, max_concurrency=max_concurrency, trust_env=True)
