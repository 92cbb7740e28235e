"""Formats on disk and everything derived from them. Knows neither HTTP nor Scrapy, and imports nothing of ours.

Each package exports what others may use through its `__init__.py`. `docs/architecture.md` shows how they build on
each other.
"""
