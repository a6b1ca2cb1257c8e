// The tour of the EventStoreDB protocol with the Node clients: @kurrent/kurrentdb-client or @eventstore/db-client.
//
//     node tour.mjs CLIENT URI [STEP…]     (in the folder where the client is installed)
//
// Writes RESTART to standard output when the server is to be killed and started again, and reads a line when it is.

import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { strict as assert } from "node:assert";

const [, , name, uri, ...only] = process.argv;
const db = createRequire(`${process.cwd()}/`)(name);
const Client = db.KurrentDBClient ?? db.EventStoreDBClient;
let client = Client.connectionString`${uri}`;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const stream = (kind = "order") => `${kind}-${randomUUID()}`;
const event = (number = 0, type = "OrderPlaced") => db.jsonEvent({ type, data: { number } });
const events = (count, type) => Array.from({ length: count }, (_, number) => event(number, type));
const append = (stream, expected, ...events) => {
  // The two clients call one option by two names.
  const options = { streamState: expected, expectedRevision: expected };
  return client.appendToStream(stream, events, options);
};
const { NO_STREAM, ANY, STREAM_EXISTS, START, END, FORWARDS, BACKWARDS } = db;

async function all(reading) {
  const found = [];
  for await (const one of reading) found.push(one);
  return found;
}

async function refused(kind, promise) {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof kind, `${kind.name} was expected, not ${error}`);
    return error;
  }
  throw new Error(`${kind.name} was expected`);
}

const read = (stream, options) => all(client.readStream(stream, options));
const revisions = async (stream, options) => (await read(stream, options)).map(({ event }) => Number(event.revision));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function waitFor(get, good) {
  for (let tries = 0; tries < 200; tries++) {
    const found = await get();
    if (good(found)) return found;
    await sleep(100);
  }
  throw new Error("it did not come true");
}

async function restart() {
  await client.dispose();
  console.log("RESTART");
  await answers.next();
  client = Client.connectionString`${uri}`;
}

// Takes events from a subscription until it has seen enough.
async function take(subscription, count, each = () => {}) {
  const found = [];
  // Whoever has unsubscribed may still hear that it was sent away.
  subscription.on("error", () => {});
  for await (const one of subscription) {
    found.push(one);
    await each(one, found.length);
    if (found.length === count) break;
  }
  await subscription.unsubscribe();
  return found;
}

const steps = {
  async expectedVersionsAndRepeats() {
    const name = stream();
    const sent = events(6);
    const first = await append(name, NO_STREAM, ...sent.slice(0, 3));
    assert.equal(first.nextExpectedRevision, 2n);
    assert.deepEqual((await append(name, NO_STREAM, ...sent.slice(0, 3))).position, first.position);
    const conflict = await refused(db.WrongExpectedVersionError, append(name, NO_STREAM, sent[3]));
    assert.equal(conflict.actualState ?? conflict.actualVersion, 2n);
    await refused(db.WrongExpectedVersionError, append(name, 5n, sent[3]));
    await append(name, 2n, sent[3]);
    await append(name, STREAM_EXISTS, sent[4]);
    const last = await append(name, ANY, sent[5]);
    assert.deepEqual((await append(name, ANY, sent[5])).position, last.position);
    await refused(db.WrongExpectedVersionError, append(stream(), STREAM_EXISTS, event()));
    assert.deepEqual((await read(name)).map(({ event }) => event.id), sent.map(({ id }) => id));
    // With credentials a call of its own is made for each append.
    const credentials = { username: "admin", password: "changeit" };
    await client.appendToStream(name, event(6), { streamState: 5n, expectedRevision: 5n, credentials });
    const options = { streamState: 5n, expectedRevision: 5n, credentials };
    await refused(db.WrongExpectedVersionError, client.appendToStream(name, event(7), options));
  },

  async manyAppendsAtOnce() {
    const names = Array.from({ length: 20 }, () => stream("parallel"));
    const pending = [];
    for (let number = 0; number < 50; number++) {
      for (const name of names) pending.push(append(name, ANY, event(number)));
    }
    await Promise.all(pending);
    for (const name of names) {
      const numbers = (await read(name)).map(({ event }) => event.data.number);
      assert.deepEqual(numbers, Array.from({ length: 50 }, (_, number) => number), "in the order in which they were sent");
    }
  },

  async readingBothWays() {
    const name = stream();
    await append(name, NO_STREAM, ...events(10));
    assert.deepEqual(await revisions(name), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(await revisions(name, { direction: BACKWARDS, fromRevision: END, maxCount: 2 }), [9, 8]);
    assert.deepEqual(await revisions(name, { direction: FORWARDS, fromRevision: 3n, maxCount: 2 }), [3, 4]);
    assert.deepEqual(await revisions(name, { fromRevision: 10n }), []);
    await refused(db.StreamNotFoundError, read(stream()));
  },

  async everythingWithFilters() {
    const kind = `Kind${randomUUID()}`;
    const name = stream("filtered");
    await append(name, NO_STREAM, event(0, kind), event(1, "Other"), event(2, kind));
    const [first] = await all(client.readAll({ fromPosition: START, maxCount: 1 }));
    assert(first.event.type.startsWith("$"));
    const numbers = async (filter) => {
      const subscription = client.subscribeToAll({ fromPosition: START, filter });
      return (await take(subscription, 2)).map(({ event }) => event.data.number);
    };
    assert.deepEqual(await numbers(db.eventTypeFilter({ prefixes: [kind] })), [0, 2]);
    assert.deepEqual(await numbers(db.eventTypeFilter({ regex: `^${kind}$` })), [0, 2]);
    assert.deepEqual(await numbers(db.streamNameFilter({ prefixes: [name] })), [0, 1]);
    assert.deepEqual(await numbers(db.streamNameFilter({ regex: `(?<=filtered)-${name.slice(9)}` })), [0, 1]);
    const last = await all(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }));
    assert.equal(last[0].event.streamId, name);
  },

  async aSubscriptionGoesFromHistoryIntoThePresent() {
    const count = 10_000;
    const kind = `Many${randomUUID()}`;
    const name = stream("many");
    const sent = events(count, kind);
    for (let at = 0; at < count / 2; at += 1_000) await append(name, ANY, ...sent.slice(at, at + 1_000));
    const rest = (async () => {
      for (let at = count / 2; at < count; at += 500) await append(name, ANY, ...sent.slice(at, at + 500));
    })();
    const seen = [];
    let position = START;
    // Breaks off and comes back, as a client does whose connection is lost.
    for (const until of [3_333, 7_777, count]) {
      const filter = db.eventTypeFilter({ prefixes: [kind] });
      const subscription = client.subscribeToAll({ fromPosition: position, filter });
      for (const { event } of await take(subscription, until - seen.length)) {
        seen.push(event.id);
        position = event.position;
      }
    }
    await rest;
    assert.deepEqual(seen, sent.map(({ id }) => id));
    const subscription = client.subscribeToStream(name, { fromRevision: BigInt(count - 2) });
    const caughtUp = new Promise((done) => subscription.once("caughtUp", done));
    const two = take(subscription, 2);
    await caughtUp;
    await append(name, ANY, event(count, kind));
    assert.deepEqual((await two).map(({ event }) => Number(event.revision)), [count - 1, count]);
  },

  async checkpointsOfFilteredSubscriptions() {
    const checkpoints = [];
    const prefix = randomUUID();
    const filter = db.eventTypeFilter({
      prefixes: [prefix],
      checkpointInterval: 2,
      checkpointReached: (_, position) => checkpoints.push(position.commit),
    });
    const subscription = client.subscribeToAll({ fromPosition: START, filter });
    const name = stream("checkpoint");
    await append(name, NO_STREAM, ...events(500), event(0, prefix));
    await take(subscription, 1);
    assert(checkpoints.length >= 5, `${checkpoints.length} checkpoints`);
    assert.deepEqual(checkpoints, [...new Set(checkpoints)].sort((a, b) => (a < b ? -1 : 1)));
  },

  async deletingAndComingBack() {
    const name = stream();
    await append(name, NO_STREAM, event(0), event(1));
    const wrong = { expectedRevision: 0n, streamState: 0n };
    await refused(db.WrongExpectedVersionError, client.deleteStream(name, wrong));
    await client.deleteStream(name, { expectedRevision: 1n, streamState: 1n });
    await refused(db.StreamNotFoundError, read(name));
    await append(name, NO_STREAM, event(2));
    assert.deepEqual(await revisions(name), [2]);
    const { metadata } = await client.getStreamMetadata(name);
    assert.equal(metadata.truncateBefore, 2);
  },

  async tombstonesAreForGood() {
    const name = stream();
    await append(name, NO_STREAM, event(0));
    await client.tombstoneStream(name);
    await refused(db.StreamDeletedError, read(name));
    await refused(db.StreamDeletedError, append(name, ANY, event()));
    await refused(db.StreamDeletedError, client.deleteStream(name));
    await refused(db.StreamDeletedError, client.tombstoneStream(name));
  },

  async metadataLimitsWhatIsRead() {
    const name = stream();
    await append(name, NO_STREAM, ...events(10));
    await client.setStreamMetadata(name, { maxCount: 3, mine: "kept" });
    assert.deepEqual(await revisions(name), [7, 8, 9]);
    assert.equal((await client.getStreamMetadata(name)).metadata.mine, "kept");
    await client.setStreamMetadata(name, { truncateBefore: 9 });
    assert.deepEqual(await revisions(name), [9]);
    await client.setStreamMetadata(name, { maxAge: 1 });
    await sleep(1_200);
    assert.deepEqual(await revisions(name), []);
    await client.setStreamMetadata(name, {});
    assert.equal((await revisions(name)).length, 10, "nothing left the log");
  },

  async linksAreFollowed() {
    const [target, links] = [stream("target"), stream("links")];
    await append(target, NO_STREAM, ...events(3));
    const link = (text) => db.binaryEvent({ type: "$>", data: Buffer.from(text) });
    await append(links, NO_STREAM, link(`1@${target}`), link(`9@${target}`), link(`2@${target}`));
    const followed = await read(links, { resolveLinkTos: true });
    assert.deepEqual(followed.map(({ event }) => event && Number(event.revision)), [1, undefined, 2]);
    assert(followed.every(({ link }) => link.streamId === links));
    const plain = await read(links);
    assert(plain.every(({ event, link }) => event.type === "$>" && !link));
  },

  async largeEvents() {
    const name = stream();
    const data = Buffer.alloc(12 * 1024 * 1024, "large");
    await append(name, NO_STREAM, db.binaryEvent({ type: "Large", data }));
    const [{ event }] = await read(name);
    assert(Buffer.from(event.data).equals(data));
  },

  async deadlines() {
    const name = stream();
    const late = { streamState: NO_STREAM, expectedRevision: NO_STREAM, deadline: -1 };
    await refused(db.DeadlineExceededError, client.appendToStream(name, event(), late));
    await refused(db.StreamNotFoundError, read(name));
    await append(name, NO_STREAM, event());
    await client.deleteStream(name, { deadline: 10_000 });
  },

  async ourOwnStreamsAreReadOnly() {
    await refused(db.AccessDeniedError, append("case-1", ANY, event()));
    await refused(db.AccessDeniedError, client.deleteStream("points-1"));
    await refused(db.AccessDeniedError, client.setStreamMetadata("case-1", {}));
  },

  async groupsOfConsumersOnAStream() {
    const [name, group] = [stream(), `group-${randomUUID()}`];
    await append(name, NO_STREAM, ...events(6));
    const settings = db.persistentSubscriptionToStreamSettingsFromDefaults({
      startFrom: START,
      messageTimeout: 2_000,
      maxRetryCount: 2,
      checkPointLowerBound: 1,
      checkPointAfter: 100,
    });
    await client.createPersistentSubscriptionToStream(name, group, settings);
    const again = client.createPersistentSubscriptionToStream(name, group, settings);
    await refused(db.PersistentSubscriptionExistsError, again);
    const tries = {};
    let consumer = client.subscribeToPersistentSubscriptionToStream(name, group);
    await take(consumer, 9, async (resolved) => {
      const revision = Number(resolved.event.revision);
      (tries[revision] ??= []).push(resolved.retryCount);
      if (revision === 0 || revision === 5) await consumer.ack(resolved);
      if (revision === 1) await consumer.nack("park", "not now", resolved);
      if (revision === 2) await consumer.nack("skip", "never", resolved);
      if (revision === 3) await consumer.nack("retry", "again", resolved);
      // The first time it runs into the timeout.
      if (revision === 4 && tries[4].length === 2) await consumer.ack(resolved);
      await sleep(20);
    });
    assert.deepEqual(tries, { 0: [0], 1: [0], 2: [0], 3: [0, 1, 2], 4: [0, 1], 5: [0] });
    const info = () => client.getPersistentSubscriptionToStreamInfo(name, group);
    await waitFor(info, ({ stats }) => Number(stats.parkedMessageCount) === 2);
    await client.replayParkedMessagesToStream(name, group);
    consumer = client.subscribeToPersistentSubscriptionToStream(name, group);
    const replayed = await take(consumer, 2, async (resolved) => {
      await consumer.ack(resolved);
      await sleep(20);
    });
    assert.deepEqual(replayed.map(({ event }) => Number(event.revision)).sort(), [1, 3]);
    await waitFor(info, ({ stats }) => Number(stats.parkedMessageCount) === 0);
    await waitFor(info, ({ stats }) => Number(stats.lastCheckpointedEventRevision) === 5);
    await append(name, ANY, ...events(3));
    await restart();
    consumer = client.subscribeToPersistentSubscriptionToStream(name, group);
    const seen = await take(consumer, 3, async (resolved) => {
      await consumer.ack(resolved);
      await sleep(20);
    });
    assert.deepEqual(seen.map(({ event }) => Number(event.revision)), [6, 7, 8]);
    await client.updatePersistentSubscriptionToStream(name, group, { ...settings, maxSubscriberCount: 1 });
    consumer = client.subscribeToPersistentSubscriptionToStream(name, group);
    const dropped = refused(db.PersistentSubscriptionDroppedError, take(consumer, 1));
    const here = ({ connections }) => connections.length === 1;
    await waitFor(info, here);
    const second = client.subscribeToPersistentSubscriptionToStream(name, group);
    await refused(db.PersistentSubscriptionMaximumSubscribersReachedError, take(second, 1));
    const groups = await client.listAllPersistentSubscriptions();
    assert(groups.some(({ groupName }) => groupName === group));
    await client.deletePersistentSubscriptionToStream(name, group);
    await dropped;
    await refused(db.PersistentSubscriptionDoesNotExistError, info());
  },

  async manyStreamsAtOnce() {
    // Only the newest generation of clients has it.
    if (!client.multiStreamAppend) return;
    const [one, two] = [stream(), stream()];
    const about = (number) => ({ ...event(number), metadata: { about: "both" } });
    const several = (streamName, expectedState, ...numbers) => ({ streamName, expectedState, events: numbers.map(about) });
    const done = await client.multiStreamAppend([several(one, NO_STREAM, 0, 1), several(two, NO_STREAM, 0)]);
    assert.deepEqual(done.responses, [{ streamName: one, revision: 1n }, { streamName: two, revision: 0n }]);
    const [first] = await read(one);
    assert.equal(first.event.metadata.about, "both");
    const conflict = client.multiStreamAppend([several(one, 1n, 2), several(two, 5n, 1)]);
    assert.equal((await refused(db.WrongExpectedVersionError, conflict)).streamName, two);
    assert.deepEqual(await revisions(one), [0, 1]);
    const record = (streamName, number) => ({ streamName, record: about(number) });
    const check = (streamName, expectedState) => ({ type: "stream_state", streamName, expectedState });
    const written = await client.appendRecords([record(one, 2), record(two, 1)], [check(two, 0n)]);
    assert.deepEqual(written.responses, [{ streamName: one, revision: 2n }, { streamName: two, revision: 1n }]);
    const violated = client.appendRecords([record(one, 3)], [check(two, 0n)]);
    await refused(db.AppendConsistencyViolationError, violated);
    await client.tombstoneStream(two);
    await refused(db.StreamTombstonedError, client.multiStreamAppend([several(two, ANY, 2)]));
    assert.deepEqual(await revisions(one), [0, 1, 2]);
  },

  async groupsOfConsumersOnEverything() {
    const [kind, group] = [`Kind${randomUUID()}`, `group-${randomUUID()}`];
    const settings = db.persistentSubscriptionToAllSettingsFromDefaults({ startFrom: END, consumerStrategyName: "Pinned" });
    const filter = db.eventTypeFilter({ prefixes: [kind] });
    await client.createPersistentSubscriptionToAll(group, settings, { filter });
    await append(stream(), NO_STREAM, ...events(5, kind), ...events(5, "Other"), ...events(5, kind));
    const consumer = client.subscribeToPersistentSubscriptionToAll(group);
    const seen = await take(consumer, 10, async (resolved) => {
      await consumer.ack(resolved);
      await sleep(5);
    });
    assert.deepEqual(seen.map(({ event }) => event.data.number), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    await client.restartPersistentSubscriptionSubsystem();
    const [info] = (await client.listPersistentSubscriptionsToAll()).filter(({ groupName }) => groupName === group);
    assert.equal(info.settings.consumerStrategyName, "Pinned");
    await client.deletePersistentSubscriptionToAll(group);
  },
};

for (const [step, run] of Object.entries(steps)) {
  if (only.length && !only.includes(step)) continue;
  const began = Date.now();
  try {
    await run();
  } catch (error) {
    console.log(`failed ${step}`, error);
    process.exit(1);
  }
  console.log(`ok ${step} ${Date.now() - began}ms`);
}
await client.dispose();
console.log("DONE");
process.exit(0);
