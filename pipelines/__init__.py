"""Scrapy pipelines: they keep what spiders bring, in the order check, dump, account."""
