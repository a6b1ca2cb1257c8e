"""The tour of the EventStoreDB protocol with the Python clients: kurrentdbclient or esdbclient.

    tour.py CLIENT URI

Writes RESTART to standard output when the server is to be killed and started again, and reads a line when it is.
"""

import json
import sys
import threading
import time
import uuid

name_of_client, uri = sys.argv[1], sys.argv[2]
if name_of_client == "kurrentdbclient":
    import kurrentdbclient as db
    from kurrentdbclient import exceptions as errors

    Client = db.KurrentDBClient
    WrongVersion = errors.WrongCurrentVersionError
    NotFound = errors.NotFoundError
    Deleted = errors.StreamIsDeletedError
    DeadlineExceeded = errors.DeadlineExceededError
    AlreadyExists = errors.AlreadyExistsError
    TooManyConsumers = errors.MaximumSubscriptionsReachedError
else:
    import esdbclient as db
    from esdbclient import exceptions as errors

    Client = db.EventStoreDBClient
    WrongVersion = errors.WrongCurrentVersion
    NotFound = errors.NotFound
    Deleted = errors.StreamIsDeleted
    DeadlineExceeded = errors.DeadlineExceeded
    AlreadyExists = errors.AlreadyExists
    TooManyConsumers = errors.MaximumSubscriptionsReached
AccessDenied = errors.AccessDeniedError
NEVER, ANY, EXISTS = db.StreamState.NO_STREAM, db.StreamState.ANY, db.StreamState.EXISTS
client = Client(uri)
steps = []


def step(function):
    steps.append(function)
    return function


def stream(kind="order"):
    return f"{kind}-{uuid.uuid4()}"


def event(number=0, event_type="OrderPlaced", **more):
    return db.NewEvent(type=event_type, data=json.dumps({"number": number}).encode(), **more)


def refused(kind, function, *positional, **named):
    try:
        function(*positional, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def append(name, version, *events):
    return client.append_to_stream(name, current_version=version, events=list(events))


def revisions(name, **options):
    return [event.stream_position for event in client.get_stream(name, **options)]


@step
def expected_versions_and_repeats():
    name = stream()
    events = [event(number) for number in range(6)]
    first = append(name, NEVER, *events[:3])
    assert append(name, NEVER, *events[:3]) == first, "a repeat has the first answer"
    refused(WrongVersion, append, name, NEVER, events[3])
    refused(WrongVersion, append, name, 5, events[3])
    refused(WrongVersion, append, name, 0, events[1], events[3])
    assert append(name, 2, events[3]) > first
    assert append(name, 0, events[1], events[2]) == first
    append(name, EXISTS, events[4])
    at = append(name, ANY, events[5])
    assert append(name, ANY, events[5]) == at
    refused(WrongVersion, append, stream(), EXISTS, event())
    refused(WrongVersion, append, stream(), 0, event())
    found = client.get_stream(name)
    assert [event.id for event in found] == [event.id for event in events]
    assert [event.commit_position for event in found] == sorted(event.commit_position for event in found)
    assert client.get_current_version(name) == 5
    assert client.get_current_version(stream()) is NEVER
    lonely = stream()
    assert client.append_event(lonely, current_version=NEVER, event=event()) > at
    refused(WrongVersion, client.append_event, lonely, current_version=NEVER, event=event())
    assert client.append_event(lonely, current_version=0, event=event()) > at


@step
def reading_both_ways():
    name = stream()
    sent = [event(number, content_type="application/octet-stream", metadata=b"about") for number in range(10)]
    append(name, NEVER, *sent)
    assert revisions(name) == list(range(10))
    assert revisions(name, backwards=True) == list(reversed(range(10)))
    assert revisions(name, stream_position=3, limit=2) == [3, 4]
    assert revisions(name, stream_position=3, limit=2, backwards=True) == [3, 2]
    assert revisions(name, stream_position=10) == []
    assert revisions(name, stream_position=99, backwards=True, limit=1) == [9]
    found = client.get_stream(name, limit=1)[0]
    assert (found.id, found.type, found.data, found.metadata, found.content_type) == (
        sent[0].id,
        sent[0].type,
        sent[0].data,
        b"about",
        "application/octet-stream",
    )
    assert abs(found.recorded_at.timestamp() - time.time()) < 600
    refused(NotFound, client.get_stream, stream())


@step
def everything_with_both_filters():
    kind = f"Kind{uuid.uuid4().hex}"
    name = stream("filtered")
    start = client.get_commit_position()
    append(name, NEVER, event(0, kind), event(1, "Other"), event(2, kind))
    first = next(iter(client.read_all(filter_exclude=[])))
    assert first.type.startswith("$"), "the log begins with an event of the system"
    by_type = [e.stream_position for e in client.read_all(commit_position=start, filter_include=[kind])]
    assert by_type == [0, 2], by_type
    by_stream = client.read_all(commit_position=start, filter_include=[name], filter_by_stream_name=True)
    assert [e.stream_position for e in by_stream] == [0, 1, 2]
    back = client.read_all(backwards=True, filter_include=[kind], limit=1)
    assert [e.stream_position for e in back] == [2]
    assert not [e for e in client.read_all(commit_position=start) if e.type.startswith("$")]


@step
def a_subscription_goes_from_history_into_the_present():
    count = 10_000
    kind = f"Many{uuid.uuid4().hex}"
    name = stream("many")
    start = client.get_commit_position()
    sent = [event(number, kind) for number in range(count)]
    for at in range(0, count // 2, 1_000):
        append(name, ANY, *sent[at : at + 1_000])

    def rest():
        for at in range(count // 2, count, 500):
            append(name, ANY, *sent[at : at + 500])

    writer = threading.Thread(target=rest)
    writer.start()
    seen = []
    position = start
    # Breaks off and comes back, as a client does whose connection is lost.
    for until in (3_333, 7_777, count):
        subscription = client.subscribe_to_all(commit_position=position, filter_include=[kind])
        for found in subscription:
            seen.append(found.id)
            position = found.commit_position
            if len(seen) == until:
                break
        subscription.stop()
    writer.join()
    assert seen == [event.id for event in sent]
    subscription = client.subscribe_to_stream(name, stream_position=count - 2, include_caught_up=True)
    assert next(subscription).stream_position == count - 1
    assert isinstance(next(subscription), db.CaughtUp)
    append(name, ANY, event(count, kind))
    assert next(subscription).stream_position == count
    subscription.stop()
    fresh = client.subscribe_to_stream(stream(), include_caught_up=True)
    assert isinstance(next(fresh), db.CaughtUp), "a stream that is not there yet can be waited for"
    fresh.stop()


@step
def checkpoints_of_filtered_subscriptions():
    subscription = client.subscribe_to_all(
        filter_include=["Nothing"], include_checkpoints=True, window_size=32, checkpoint_interval_multiplier=2
    )
    checkpoints = []
    for found in subscription:
        assert isinstance(found, db.Checkpoint)
        checkpoints.append(found.commit_position)
        if len(checkpoints) == 5:
            break
    subscription.stop()
    assert checkpoints == sorted(set(checkpoints))
    assert checkpoints[-1] <= client.get_commit_position(filter_exclude=[])


@step
def deleting_and_coming_back():
    name = stream()
    append(name, NEVER, event(0), event(1))
    refused(WrongVersion, client.delete_stream, name, current_version=0)
    client.delete_stream(name, current_version=1)
    refused(NotFound, client.get_stream, name)
    client.delete_stream(name, current_version=1)
    refused(Deleted, append, name, EXISTS, event())
    append(name, NEVER, event(2))
    assert revisions(name) == [2]
    assert client.get_stream_metadata(name)[0]["$tb"] == 2
    refused(NotFound, client.delete_stream, stream(), current_version=ANY)
    client.delete_stream(name, current_version=ANY)
    append(name, 2, event(3))
    assert revisions(name) == [3]


@step
def tombstones_are_for_good():
    name = stream()
    append(name, NEVER, event(0))
    subscription = client.subscribe_to_stream(name)
    assert next(subscription).stream_position == 0
    refused(WrongVersion, client.tombstone_stream, name, current_version=5)
    client.tombstone_stream(name, current_version=0)
    assert next(subscription).type == "$streamDeleted"
    refused(Deleted, next, subscription)
    for again in (client.get_stream, client.get_stream_metadata):
        refused(Deleted, again, name)
    refused(Deleted, append, name, ANY, event())
    refused(Deleted, client.delete_stream, name, current_version=ANY)
    refused(Deleted, client.tombstone_stream, name, current_version=ANY)
    client.tombstone_stream(stream(), current_version=NEVER)


@step
def metadata_limits_what_is_read():
    name = stream()
    append(name, NEVER, *[event(number) for number in range(10)])
    assert client.get_stream_metadata(name) == ({}, NEVER)
    client.set_stream_metadata(name, metadata={"$maxCount": 3, "mine": "kept"}, current_version=NEVER)
    assert revisions(name) == [7, 8, 9]
    assert revisions(name, backwards=True) == [9, 8, 7]
    refused(WrongVersion, client.set_stream_metadata, name, metadata={}, current_version=NEVER)
    client.set_stream_metadata(name, metadata={"$tb": 9}, current_version=0)
    assert revisions(name) == [9]
    client.set_stream_metadata(name, metadata={"$maxAge": 1}, current_version=1)
    time.sleep(1.2)
    assert revisions(name) == []
    client.set_stream_metadata(name, metadata={}, current_version=2)
    assert revisions(name) == list(range(10)), "nothing left the log"
    client.delete_stream(name, current_version=ANY)
    client.set_stream_metadata(name, metadata={"mine": 1}, current_version=ANY)
    append(name, ANY, event(10))
    assert revisions(name) == [10]
    assert client.get_stream_metadata(name)[0]["mine"] == 1


@step
def links_are_followed():
    target, links = stream("target"), stream("links")
    append(target, NEVER, event(0), event(1), event(2))
    link = lambda text: db.NewEvent(type="$>", data=text.encode(), content_type="application/octet-stream")
    append(links, NEVER, link(f"1@{target}"), link(f"9@{target}"), link(f"2@{target}"))
    plain = client.get_stream(links)
    assert [found.type for found in plain] == ["$>"] * 3
    followed = client.get_stream(links, resolve_links=True)
    assert [found.stream_position for found in followed] == [1, 2]
    assert all(found.stream_name == target and found.link.stream_name == links for found in followed)
    client.tombstone_stream(target, current_version=ANY)
    assert list(client.get_stream(links, resolve_links=True)) == []


@step
def large_events():
    name = stream()
    large = db.NewEvent(type="Large", data=bytes(range(256)) * 4096 * 12, content_type="application/octet-stream")
    append(name, NEVER, large)
    assert client.get_stream(name)[0].data == large.data
    too_large = db.NewEvent(type="Large", data=bytes(17 * 1024 * 1024), content_type="application/octet-stream")
    refused(Exception, append, name, 0, too_large)
    assert revisions(name) == [0]


@step
def deadlines():
    name = stream()
    refused(DeadlineExceeded, client.append_to_stream, name, current_version=NEVER, events=[event()], timeout=0)
    refused(NotFound, client.get_stream, name)
    client.append_to_stream(name, current_version=NEVER, events=[event()], timeout=30)
    subscription = client.subscribe_to_stream(name, timeout=1)
    assert next(subscription).stream_position == 0
    refused(DeadlineExceeded, next, subscription)


@step
def our_own_streams_are_read_only():
    # The older client has no error of its own for the code, but for a batch.
    denied = AccessDenied if name_of_client == "kurrentdbclient" else Exception
    for ours in ("case-1", "points-1"):
        refused(AccessDenied, append, ours, ANY, event())
        for error in (
            refused(denied, client.append_event, ours, current_version=ANY, event=event()),
            refused(denied, client.delete_stream, ours, current_version=ANY),
            refused(denied, client.set_stream_metadata, ours, metadata={}, current_version=ANY),
        ):
            assert "Access Denied" in str(error), error


@step
def many_streams_at_once():
    if name_of_client != "kurrentdbclient":
        return  # only the newest generation of clients has it
    one, two = stream(), stream()
    about = json.dumps({"about": "both"}).encode()

    def several(name, version, *numbers):
        events = [event(number, metadata=about) for number in numbers]
        return db.NewEvents(stream_name=name, events=events, current_version=version)

    at = client.multi_append_to_stream([several(one, NEVER, 0, 1), several(two, NEVER, 0)])
    assert (revisions(one), revisions(two)) == ([0, 1], [0])
    assert client.get_stream(two)[0].commit_position == at
    metadata = json.loads(client.get_stream(one)[0].metadata)
    assert metadata == {"about": "both", "$schema.name": "OrderPlaced", "$schema.format": "Json"}, metadata
    conflict = [several(one, 1, 2), several(two, 5, 1)]
    assert refused(WrongVersion, client.multi_append_to_stream, conflict).actual_version == 0
    assert revisions(one) == [0, 1], "all or nothing"
    refused(errors.MultiAppendToSameStreamError, client.multi_append_to_stream, [several(one, ANY, 2)] * 2)

    def record(name, number=0):
        return db.NewRecord(stream_name=name, type="OrderPlaced", data=json.dumps({"number": number}).encode())

    check = db.StreamStateCheck
    result = client.append_records([record(one, 2), record(two, 1), record(one, 3)], [check(two, 0)])
    assert {r.stream_name: r.stream_position for r in result.stream_positions} == {one: 3, two: 1}
    failed = refused(
        errors.ConsistencyChecksFailedError,
        client.append_records,
        [record(one, 4)],
        [check(two, 1), check(stream(), EXISTS), check(two + "-no", 7)],
    )
    assert [failure.check_index for failure in failed.failures] == [1, 2]
    assert [failure.stream_state_failure.actual_state for failure in failed.failures] == [-1, -1]
    client.tombstone_stream(two, current_version=ANY)
    refused(errors.StreamTombstonedError, client.multi_append_to_stream, [several(two, ANY, 2)])
    client.append_records([record(one, 4)], [check(two, NEVER)])
    failed = refused(errors.ConsistencyChecksFailedError, client.append_records, [record(two), record(one)])
    assert failed.failures[0].stream_state_failure.actual_state == -6
    assert revisions(one) == [0, 1, 2, 3, 4]


@step
def groups_of_consumers_on_a_stream():
    name, group = stream(), f"group-{uuid.uuid4()}"
    append(name, NEVER, *[event(number) for number in range(6)])
    settings = {"message_timeout": 2.0, "max_retry_count": 2, "min_checkpoint_count": 1, "checkpoint_after": 0.1}
    client.create_subscription_to_stream(group, name, **settings)
    refused(AlreadyExists, client.create_subscription_to_stream, group, name)
    refused(NotFound, client.read_subscription_to_stream, "nobody", name)
    consumer = client.read_subscription_to_stream(group, name, max_ack_delay=0.05)
    tries = {}
    for found in consumer:
        tries.setdefault(found.stream_position, []).append(found.retry_count)
        match found.stream_position:
            case 0 | 5:
                consumer.ack(found)
            case 1:
                consumer.nack(found, action="park")
            case 2:
                consumer.nack(found, action="skip")
            case 3:
                consumer.nack(found, action="retry")
            case 4 if len(tries[4]) == 2:
                # The first time it runs into the timeout.
                consumer.ack(found)
        if 4 in tries and len(tries[4]) == 2 and len(tries.get(3, [])) == 3:
            break
    time.sleep(0.5)
    consumer.stop()
    assert tries == {0: [0], 1: [0], 2: [0], 3: [0, 1, 2], 4: [0, 1], 5: [0]}, tries
    info = wait_for(lambda: client.get_subscription_info(group, name), lambda info: info.parked_message_count == 2)
    assert info.max_retry_count == 2 and info.message_timeout == 2.0, info
    client.replay_parked_events(group, name)
    consumer = client.read_subscription_to_stream(group, name, max_ack_delay=0.05)
    replayed = set()
    for found in consumer:
        assert found.retry_count == 0
        replayed.add(found.stream_position)
        consumer.ack(found)
        if len(replayed) == 2:
            break
    time.sleep(0.3)
    consumer.stop()
    assert replayed == {1, 3}
    wait_for(lambda: client.get_subscription_info(group, name), lambda info: info.parked_message_count == 0)

    # The server is killed; what was acknowledged and noted does not come again, what was not does.
    wait_for(lambda: client.get_subscription_info(group, name), lambda info: info.last_checkpointed_event_position == "5")
    append(name, ANY, *[event(number) for number in range(6, 9)])
    restart()
    consumer = client.read_subscription_to_stream(group, name, max_ack_delay=0.05)
    seen = []
    for found in consumer:
        seen.append(found.stream_position)
        consumer.ack(found)
        if len(seen) == 3:
            break
    time.sleep(0.3)
    assert seen == [6, 7, 8], seen
    client.update_subscription_to_stream(group, name, max_subscriber_count=1)
    dropped(consumer)
    consumer = client.read_subscription_to_stream(group, name)
    refused(TooManyConsumers, client.read_subscription_to_stream, group, name)
    assert group in [info.group_name for info in client.list_subscriptions()]
    assert [info.group_name for info in client.list_subscriptions_to_stream(name)] == [group]
    client.delete_subscription(group, name)
    dropped(consumer)
    refused(NotFound, client.get_subscription_info, group, name)
    try:
        assert not client.list_subscriptions_to_stream(name)
    except NotFound:
        pass  # As the older client has it.


@step
def groups_of_consumers_on_everything():
    kind, group = f"Kind{uuid.uuid4().hex}", f"group-{uuid.uuid4()}"
    client.create_subscription_to_all(group, from_end=True, filter_include=[kind], consumer_strategy="RoundRobin")
    append(stream(), NEVER, *[event(number, kind if number % 2 == 0 else "Other") for number in range(20)])
    consumers = [client.read_subscription_to_all(group, event_buffer_size=5, max_ack_delay=0.05) for _ in range(2)]
    seen, lock = [], threading.Lock()

    def consume(consumer):
        try:
            for found in consumer:
                with lock:
                    seen.append(found.stream_position)
                consumer.ack(found)
        except Exception:
            pass

    threads = [threading.Thread(target=consume, args=[consumer]) for consumer in consumers]
    for thread in threads:
        thread.start()
    wait_for(lambda: sorted(seen), lambda seen: seen == list(range(0, 20, 2)))
    if name_of_client == "kurrentdbclient":
        info = client.get_subscription_info(group)
        assert [one.total_items for one in info.connections] == [5, 5], info
    client.delete_subscription(group)
    for thread in threads:
        thread.join()


def dropped(consumer):
    refused(Exception, lambda: [*consumer])


def wait_for(get, good, seconds=20):
    until = time.monotonic() + seconds
    while True:
        found = get()
        if good(found):
            return found
        if time.monotonic() > until:
            raise AssertionError(f"did not come true: {found}")
        time.sleep(0.1)


def restart():
    global client
    client.close()
    print("RESTART", flush=True)
    sys.stdin.readline()
    client = Client(uri)


only = sys.argv[3:]
for function in steps:
    if not only or function.__name__ in only:
        began = time.monotonic()
        function()
        print(f"ok {function.__name__} {time.monotonic() - began:.1f}s", flush=True)
client.close()
print("DONE", flush=True)
