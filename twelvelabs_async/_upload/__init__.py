"""The uploader: from a file on disk to an asset URL."""
