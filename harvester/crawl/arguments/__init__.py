"""Arguments of spiders (`-a name=value`), read and checked before anything is requested or written."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "CENSUS",
    "FILE",
    "RETRY",
    "SHARED",
    "Arguments",
    "ExporterArguments",
    "FileFilter",
    "FilesArguments",
    "Form",
    "IdrangeArguments",
    "OaipmhArguments",
    "SearchArguments",
    "identity_of",
    "in_shard",
    "media_type_of",
    "named_in",
    "names",
    "parse_arguments",
    "parse_exporter",
    "parse_files",
    "parse_filter",
    "parse_idrange_arguments",
    "parse_search",
    "split_files",
]

if TYPE_CHECKING:
    from harvester.crawl.arguments.base import RETRY, Arguments, OaipmhArguments, names, parse_arguments
    from harvester.crawl.arguments.bulk import (
        ExporterArguments,
        SearchArguments,
        in_shard,
        parse_exporter,
        parse_search,
    )
    from harvester.crawl.arguments.files import (
        SHARED,
        FileFilter,
        FilesArguments,
        identity_of,
        media_type_of,
        named_in,
        parse_files,
        parse_filter,
        split_files,
    )
    from harvester.crawl.arguments.idrange import CENSUS, FILE, Form, IdrangeArguments, parse_idrange_arguments
else:
    __getattr__ = lazy.exports(__name__)
