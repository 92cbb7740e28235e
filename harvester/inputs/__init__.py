"""Files of records as users have them: any packing, any container, JSON, MARC, and what this software writes."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = ["check_file", "flattened", "in_bag", "is_of_others", "is_part", "iter_records", "open_records", "spooled"]

if TYPE_CHECKING:
    from harvester.inputs.convertible import flattened
    from harvester.inputs.opening import spooled
    from harvester.inputs.recordsets import check_file, in_bag, is_of_others, is_part, iter_records, open_records
else:
    __getattr__ = lazy.exports(__name__)
