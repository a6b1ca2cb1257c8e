"""A stock client over TLS, with a password on every call: kurrentdbclient.

    secure.py AUTHORITY.pem OWN_URI OTHER_URI

Both URIs name an account and its password; each account is a SERVICE.
"""

import json
import sys
import uuid

from kurrentdbclient import KurrentDBClient, NewEvent, StreamState
from kurrentdbclient import exceptions as errors

authority = open(sys.argv[1], "rb").read()
own, other = (KurrentDBClient(uri, root_certificates=authority) for uri in sys.argv[2:4])
stream = f"orders-{uuid.uuid4()}"


def event(number):
    return NewEvent(type="OrderPlaced", data=json.dumps({"number": number}).encode())


def refused(function, *positional, **named):
    try:
        function(*positional, **named)
    except errors.AccessDeniedError:
        return
    raise AssertionError(f"{function.__name__} was not refused")


own.append_to_stream(stream, current_version=StreamState.NO_STREAM, events=[event(1), event(2)])
assert [json.loads(read.data)["number"] for read in other.get_stream(stream)] == [1, 2]
own.set_stream_metadata(
    stream,
    metadata={"$acl": {"$r": "stats-1", "$w": ["stats-1"]}},
    current_version=StreamState.NO_STREAM,
)
assert len(own.get_stream(stream)) == 2
refused(other.get_stream, stream)
refused(other.append_to_stream, stream, current_version=StreamState.ANY, events=[event(3)])
refused(lambda: list(own.read_all()))
own.create_subscription_to_stream("workers", stream, from_end=False)
with own.read_subscription_to_stream("workers", stream) as consumer:
    read = next(consumer)
    assert json.loads(read.data)["number"] == 1
    consumer.ack(read)
stranger = KurrentDBClient(sys.argv[2].replace("password", "passwort"), root_certificates=authority)
try:
    stranger.get_stream(stream)
except errors.KurrentDBClientError:
    print("DONE")
