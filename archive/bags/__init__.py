"""Bags (BagIt 1.0, RFC 8493): planned, created, completed and validated."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "ALGORITHMS",
    "CODES",
    "Bag",
    "BagReport",
    "Hole",
    "Made",
    "Options",
    "SecondOpinion",
    "ask_bagit",
    "check_bag",
    "check_profile",
    "checked_date",
    "checked_info",
    "is_bag",
    "merged_info",
    "payload_of",
    "place",
    "read_holes",
    "with_safe_names",
    "write_bags",
]

if TYPE_CHECKING:
    from archive.bags.check import BagReport, check_bag, is_bag
    from archive.bags.codes import CODES
    from archive.bags.create import Bag, Made, write_bags
    from archive.bags.holey import Hole, place, read_holes
    from archive.bags.manifests import ALGORITHMS
    from archive.bags.payload import payload_of
    from archive.bags.plan import Options, with_safe_names
    from archive.bags.profile import check_profile
    from archive.bags.second_opinion import SecondOpinion, ask_bagit
    from archive.bags.tagfiles import checked_date, checked_info, merged_info
else:
    __getattr__ = lazy.exports(__name__)
