"""Helpers of the tests: servers, relays, clocks, watches and models."""
