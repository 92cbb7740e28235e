"""harvester.walks."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = ["SplitDoubt", "splits"]

if TYPE_CHECKING:
    from harvester.walks import splits
    from harvester.walks.splits import SplitDoubt
else:
    __getattr__ = lazy.exports(__name__)
