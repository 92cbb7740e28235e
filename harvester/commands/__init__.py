"""Scrapy commands of ours: `scrapy crawl` with the exit codes of the contract."""
