"""The values that the platform sends and takes, frozen, under the platform's names."""
