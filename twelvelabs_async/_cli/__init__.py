"""The command line: arguments to client, progress and exit codes; it needs the extra ``cli``."""
