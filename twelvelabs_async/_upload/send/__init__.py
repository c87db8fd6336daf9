"""One chunk on its way to the object store."""
