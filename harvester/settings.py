"""Scrapy settings: each value that differs from Scrapy's own, Scrapy's default, and why."""

from harvester import __version__

BOT_NAME = "harvester"
SPIDER_MODULES = ["spiders"]
COMMANDS_MODULE = "harvester.commands"

# --- what we add ------------------------------------------------------------------------------------------

# Contact that goes into User-Agent: an e-mail address or a URL; HARVESTER_CONTACT in the environment does too.
HARVEST_CONTACT = ""
# Tries for a request that brought no usable answer. What a provider orders (429, 503 with Retry-After) is a
# wait and no try.
HARVEST_TRIES = 5
# Processes that decode pages; 0 decodes in the crawling process.
HARVEST_DECODERS = 2
# Seconds of a decoding process for one page or block; then it is ended, and the page is refused. The largest pages that
# were seen took 20; without it one that was made to take for ever would keep the run from its end.
HARVEST_DECODE_SECONDS = 600
# Records that a window should hold; None takes the default of `harvester.oaipmh.cutting`.
HARVEST_WINDOW_RECORDS = None
# zstd level of the shards, and the size at which a new one is begun.
HARVEST_ZSTD_LEVEL = 3
HARVEST_SHARD_BYTES = 1 << 30
# Folder where the processes of this machine keep what they know of hosts: budgets, their last requests, until when to
# wait. None takes HARVESTER_STATE from the environment, else $XDG_STATE_HOME/harvester or ~/.local/state/harvester;
# "none" shares nothing and keeps nothing for the next run.
HARVEST_STATE = None
# rich, plain or none; auto is rich on a terminal.
HARVEST_PROGRESS = "auto"

USER_AGENT = f"harvester/{__version__}"

# default 40 (pipelines in this order)
ITEM_PIPELINES = {
    "pipelines.check.CheckPipeline": 100,
    "pipelines.dump.DumpPipeline": 200,
    "pipelines.account.AccountPipeline": 300,
}
DOWNLOADER_MIDDLEWARES = {
    # Scrapy's follows a redirect to any host, also to one inside the operator's network.
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "harvester.http.middlewares.SameHostRedirects": 600,
    # a redirect's request comes by again, and is judged by its own URL
    "harvester.http.middlewares.CredentialsMiddleware": 610,
    # Scrapy's drops a body that is not in the coding it is said to be in
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    # default 590: a token is masked in what was packed as well
    "harvester.http.middlewares.ContentCodingMiddleware": 620,
    # nearest to the wire, so that a redirect's second request waits its turn as well
    "harvester.http.middlewares.GateMiddleware": 950,
}
# blocks of ids, which the idrange spider asks for
DOWNLOAD_HANDLERS = {"ids": "harvester.http.blocks.BlockHandler"}
EXTENSIONS = {"harvester.ratelimit.steadyclock.SteadyClock": 0, "harvester.crawl.progress.Progress": 500}

# --- what would lose records ------------------------------------------------------------------------------

# default 2083: a longer resumption token would be dropped without a word
URLLENGTH_LIMIT = 0
# default False: 404, 410 and 422 are answers, and carry OAI-PMH errors
HTTPERROR_ALLOW_ALL = True
# default True, 2 retries at once: tries and waits are ours, with a wait between them
RETRY_ENABLED = False
# default RFPDupeFilter: a provider with a constant token would stop after one page, without an error
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
# default True: a body shorter than its Content-Length is an error, never a short page
DOWNLOAD_FAIL_ON_DATALOSS = True
# default 1 GiB: no page of records is that long, and a longer one would fill the memory; also of what was packed
DOWNLOAD_MAXSIZE = 512 << 20
DOWNLOAD_WARNSIZE = 128 << 20
# default 180
DOWNLOAD_TIMEOUT = 120

# --- manners ----------------------------------------------------------------------------------------------

# default: text/html first, which DSpace answers with a page for people, and Accept-Language: en
DEFAULT_REQUEST_HEADERS = {"Accept": "text/xml, application/xml, */*;q=0.5"}
# default 8: lists are walked one page after the other; `windows=N` raises it for a source that allows it
CONCURRENT_REQUESTS_PER_DOMAIN = 1
CONCURRENT_REQUESTS = 16
# default 0 (Scrapy's own) and True in projects: the gate keeps the distance, exactly
DOWNLOAD_DELAY = 0
DOWNLOAD_DELAY_JITTER = 0
# default False: certificates are checked
DOWNLOAD_VERIFY_CERTIFICATES = True
# default True in projects: robots.txt is read by `harvester.http.robots`, which also knows what a source says about it
ROBOTSTXT_OBEY = False
# default True: an archive must not depend on what an earlier answer left behind
COOKIES_ENABLED = False
METAREFRESH_ENABLED = False
REFERER_ENABLED = False
# default True: both are local servers that run Python inside the crawl
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# --- speed ------------------------------------------------------------------------------------------------

# default 100: starts a hundred tasks for each response, a third of all time with one item a page; 1 also
# keeps the answers of a window in order
CONCURRENT_ITEMS = 1
# default 5 MB: bodies that wait for a decoder; pages of some MB are common
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 16 << 20
# default DEBUG: one line a request is gigabytes
LOG_LEVEL = "INFO"
LOGSTATS_INTERVAL = 0
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
