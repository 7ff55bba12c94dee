"""Engines: what moves the memories of a population."""
