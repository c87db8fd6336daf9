"""The package's version, for the build, the command line and the header ``User-Agent``.

It is written here, because reading the installed metadata takes longer than making a client.
"""

__version__ = "0.1.0"
