"""What Salesforce allows, declared once: each number names the vendor's page it is from.

The verbs (``read``, ``write``, ``schema`` …) import these; none holds a number of its own.
"""

from __future__ import annotations

from typing import Final

# "Versioned Behavior Changes", SOAP guide version list: Winter '27 is the newest.
API_VERSION: Final = "68.0"
# What our metadata is written for. An org refuses an archive of a version it does not have yet, and releases
# reach orgs weeks apart; nothing we ship is newer than this.
METADATA_VERSION: Final = "63.0"
# "sObject Collections": records per create, update or upsert request.
COLLECTION_ROWS: Final = 200
# "Query": rows of a page; fewer where they are wide.
PAGE_ROWS: Final = 2_000
# ``getDeleted()``: how far back the delete log may be asked.
DELETED_DAYS: Final = 15
# "Get Records With a Request Body Using sObject Collections": ids per request.
RETRIEVE_IDS: Final = 2_000
# "Send Multiple Requests Using Composite": subrequests per call, and how many of them may be
# queries or collections; the whole series counts as one call.
COMPOSITE_SUBREQUESTS: Final = 25
COMPOSITE_COLLECTIONS: Final = 5
# "Composite Graph Limits": per payload; depth of a graph; a kind is a method and an object.
GRAPHS: Final = 75
GRAPH_NODES: Final = 500
GRAPH_KINDS: Final = 15
GRAPH_DEPTH: Final = 15
# "Salesforce Developer Limits and Allocations", REST API: URI plus headers. What is left after
# room for the headers (token, client name) is what an encoded query may use.
URI_AND_HEADER_BYTES: Final = 16_384
HEADER_ROOM_BYTES: Final = 4_384
QUERY_BYTES: Final = URI_AND_HEADER_BYTES - HEADER_ROOM_BYTES
# Pub/Sub API guide, "Pub/Sub API Endpoints": the global one.
PUBSUB_ADDRESS: Final = "https://api.pubsub.salesforce.com:7443"
# Bulk API 2.0 guide, "Limits": keep the CSV under 100 MB (150 MB after base64).
BULK_CSV_BYTES: Final = 100_000_000
# The same page: characters of one field, and of one row.
BULK_FIELD_CHARACTERS: Final = 32_000
BULK_ROW_CHARACTERS: Final = 400_000
# "API Request Limits and Allocations": below this sObject Collections are to be used, above it Bulk.
BULK_FROM_ROWS: Final = 2_000
# What an ingest job costs in calls: create, upload, close, about two polls and two result files.
BULK_CALLS: Final = 7
# What a query job costs in calls: create, about three looks, and a result file for so many rows, which the
# org chooses ("Get Results for a Query Job"): a careful guess.
BULK_READ_CALLS: Final = 4
BULK_RESULT_ROWS: Final = 50_000
# Bulk API 2.0 guide, "How Requests Are Processed": rows of one internal batch.
BULK_BATCH_ROWS: Final = 10_000
# Bulk API 2.0 guide, "Limits": query jobs, and internal batches of ingest jobs (shared with the older Bulk
# API), in any 24 hours.
BULK_QUERY_JOBS: Final = 10_000
BULK_BATCHES: Final = 15_000
DAY_S: Final = 86_400
# Metadata API guide, deploy limits: files per zip.
DEPLOY_FILES: Final = 10_000
# "API Request Limits and Allocations": requests running 20 s or longer at once, by edition; shorter ones
# are not limited. What the edition is, is learned by a describe; until then the smaller cap holds.
LONG_REQUESTS: Final = 25
LONG_REQUESTS_DEVELOPER: Final = 5
# "Custom Field Types": longest text (and external id), a long text area's default, digits.
TEXT_CHARACTERS: Final = 255
LONG_TEXT_CHARACTERS: Final = 32_768
NUMBER_DIGITS: Final = 18
RELATIONSHIP_NAME_CHARACTERS: Final = 40
# OAuth 2.0 JWT Bearer Flow: the assertion may live at most about five minutes.
ASSERTION_LIFE_S: Final = 180
# Our own patience, not the vendor's: how long one call is retried, and one deploy watched.
RETRY_TOTAL_S: Final = 60.0
RETRY_STEP_MAX_S: Final = 15.0
# A locked row has been waited for by the org already, ten seconds; it is sent this often again.
LOCK_TRIES: Final = 3
LOCK_STEP_S: Final = 2.0
DEPLOY_WAIT_S: Final = 600.0
DEPLOY_POLL_MAX_S: Final = 15.0
BULK_WAIT_S: Final = 1_800.0
# A push waits shorter: its worker has others to serve, and composite calls take the rows as well.
BULK_PUSH_WAIT_S: Final = 90.0
BULK_POLL_MAX_S: Final = 60.0
# The daily quota is a rolling 24 h window, so a slice of it comes back all the time.
DAILY_QUOTA_RETRY_S: Final = 900.0
# ``Sforce-Call-Options``: comes back as ``changeOrigin`` of change events, so that our own
# writes can be told from people's ("Change Data Capture Developer Guide").
CLIENT_NAME: Final = "colonnade"
