"""The demonstration: an invented repository is served, harvested, killed, resumed and audited."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = ["RECORDS", "DemoFailed", "Play", "perform", "remove_folder"]

if TYPE_CHECKING:
    from harvester.demo.demo import DemoFailed, Play, perform, remove_folder
    from harvester.demo.samples import RECORDS
else:
    __getattr__ = lazy.exports(__name__)
