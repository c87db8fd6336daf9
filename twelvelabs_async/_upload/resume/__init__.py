"""What an upload records, and how a later attempt goes on with it."""
