"""The package's version, for the build, the command line and the header ``User-Agent``.

Written here, because to look it up in the installed metadata takes longer than to make a client.
"""

__version__ = "0.1.0"
