# A structured field (RFC 9651), read by http-sf.
import json
import sys

import http_sf

given = json.load(sys.stdin)
print(http_sf.to_json(http_sf.parse(given["field"].encode("latin-1"), tltype=given["kind"])))
