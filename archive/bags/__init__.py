"""Bags (BagIt 1.0, RFC 8493): made, filled and checked."""
