"""Scrapy spiders: they ask, and hold no rules."""
