"""Where uploads are recorded, so that they can be resumed after a crash."""
