"""Benchmarks: each number is a ratio to a named baseline of the same run."""
