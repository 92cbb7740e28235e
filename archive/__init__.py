"""Formats on disk: knows neither HTTP nor Scrapy, and imports nothing of ours."""
