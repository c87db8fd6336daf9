"""The steps of one upload in chunks: URL, PUT, ETag, report, asset; each in a module."""
