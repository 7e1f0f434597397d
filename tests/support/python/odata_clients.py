# What a client of OData gets to see of the demo's jobs.
import json
import sys
from urllib.error import HTTPError
from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithDefaultRealm, build_opener

import pyodata
import requests
from odata import ODataService
from pyodata.exceptions import HttpError


def session(basic=None, bearer=None):
    made = requests.Session()
    made.trust_env = False
    if basic is not None:
        made.auth = ("excel", basic)
    if bearer is not None:
        made.headers["Authorization"] = f"Bearer {bearer}"
    return made


def version_4(url, credential):
    """python-odata: OData 4.0, page after page."""
    service = ODataService(
        url, session=session(**credential), reflect_entities=True, quiet_progress=True
    )
    job = service.entities["Jobs"]
    jobs = service.query(job)
    bridges = jobs.filter(job.Name.contains("Bridge"))
    return {
        "sets": list(service.entities),
        "ids": [found.Id for found in jobs.all()],
        "bridges": [found.Name for found in bridges.order_by(job.Name.asc())],
        "seventh": jobs.get(7).Name,
    }


def version_2(url, credential):
    """pyodata: OData 2.0."""
    client = pyodata.Client(url, session(**credential))
    jobs = client.entity_sets.Jobs
    bridges = jobs.get_entities().filter("substringof('Bridge',Name)")
    return {
        "sets": [found.name for found in client.schema.entity_sets],
        "ids": [found.Id for found in jobs.get_entities().execute()],
        "bridges": sorted(found.Name for found in bridges.execute()),
        "seventh": jobs.get_entity(7).execute().Name,
    }


def refusal(url, credential):
    """What pyodata is told where the feed is not for it."""
    try:
        pyodata.Client(url, session(**credential))
    except HttpError as error:
        headers = error.response.headers
        return {"status": error.response.status_code, "challenges": headers["WWW-Authenticate"]}


def invited(url, credential):
    """The standard library's client, which sends a password only where it is asked for one."""
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "excel", credential["basic"])
    opener = build_opener(HTTPBasicAuthHandler(passwords))
    try:
        with opener.open(url) as answer:
            return {"status": answer.status, "type": answer.headers.get_content_type()}
    except HTTPError as error:
        return {"status": error.code}


asked = json.load(sys.stdin)
print(json.dumps([globals()[one["as"]](one["url"], one["credential"]) for one in asked]))
