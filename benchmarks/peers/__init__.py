"""The clients that are compared, one small script each, run in processes of their own."""
