"""Look up one id: its latest record, everything an archive stores of it, and what happened to it during harvests."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "DESCRIPTION",
    "Answer",
    "Asked",
    "ChannelStory",
    "FileOf",
    "FilesOf",
    "Got",
    "Range",
    "Reader",
    "Story",
    "Version",
    "Window",
    "open_reader",
    "read_nearest",
    "read_story",
]

if TYPE_CHECKING:
    from archive.lookup.files import FileOf, FilesOf
    from archive.lookup.found import Answer, Got
    from archive.lookup.get import DESCRIPTION, Reader, open_reader
    from archive.lookup.nearby import Range, read_nearest
    from archive.lookup.story import Asked, ChannelStory, Story, Version, Window, read_story
else:
    __getattr__ = lazy.exports(__name__)
