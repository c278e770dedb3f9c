#!/usr/bin/env python3
"""A client in Python: an operation per line of standard input, what became of it per line of
standard output. isobar starts one for each of its workers."""
import http.client
import json
import os
import sys

ADDRESS = (os.environ["ISOBAR_IP"], int(os.environ["ISOBAR_PORT"]))
TIMEOUT = int(os.environ["ISOBAR_TIMEOUT_MS"]) / 1000


def request(connection, operation):
    """The answer's status and body."""
    path = "/kv/" + operation["key"]
    headers = {"traceparent": operation["traceparent"], "content-type": "application/json"}
    value = operation["value"]
    if operation["f"] == "read":
        connection.request("GET", path, headers=headers)
    elif operation["f"] == "write":
        connection.request("PUT", path, json.dumps({"value": value}), headers)
    else:
        body = json.dumps({"old": value[0], "new": value[1]})
        connection.request("POST", path + "/cas", body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def perform(operation):
    connection = http.client.HTTPConnection(*ADDRESS, timeout=TIMEOUT)
    try:
        connection.connect()
    except OSError as error:
        # Nothing was sent, so nothing happened.
        return {"type": "fail", "error": f"cannot connect: {error}"}
    try:
        status, body = request(connection, operation)
    except (OSError, http.client.HTTPException) as error:
        # It may have happened. (Of a read isobar makes a failure: it tells nothing.)
        return {"type": "info", "error": repr(error)}
    finally:
        connection.close()
    if operation["f"] == "read":
        # An absent key is a value too: null.
        return {"type": "ok", "value": None if status == 404 else body["value"]}
    if status == 200:
        return {"type": "ok"}
    if status == 409:
        return {"type": "fail", "error": "the value is another"}
    return {"type": "info", "error": f"status {status}"}


for line in sys.stdin:
    operation = json.loads(line)
    answer = {"id": operation["id"], **perform(operation)}
    print(json.dumps(answer), flush=True)
