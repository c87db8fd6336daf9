"""Decisions about an upload, without any I/O: which chunk is where, which URL, when to retry."""
