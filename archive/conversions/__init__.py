"""Metadata converted again from the stored originals, and validated against schemas."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = ["ValidateReport", "Validation", "convert_archive", "validated"]

if TYPE_CHECKING:
    from archive.conversions.convert import convert_archive
    from archive.conversions.validate import ValidateReport, Validation, validated
else:
    __getattr__ = lazy.exports(__name__)
