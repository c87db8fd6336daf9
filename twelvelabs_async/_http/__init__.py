"""Requests to the platform: sessions and connections, JSON, retries, and errors."""
