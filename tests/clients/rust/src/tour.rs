// The steps of the tour, for either client; `main.rs` says which.

use std::time::Duration;

use db::{
    Client, Error, EventData, NakAction, ResolvedEvent, StreamMetadataBuilder, StreamPosition, SubscriptionFilter,
};
use uuid::Uuid;

fn stream(kind: &str) -> String {
    format!("{kind}-{}", Uuid::new_v4())
}

fn event(number: usize, event_type: &str) -> EventData {
    let data = serde_json::json!({ "number": number });
    EventData::json(event_type, &data).expect("is JSON").id(Uuid::new_v4())
}

fn events(count: usize, event_type: &str) -> Vec<EventData> {
    (0..count).map(|number| event(number, event_type)).collect()
}

fn connect(uri: &str) -> Client {
    Client::new(uri.parse().expect("is a connection string")).expect("connects")
}

async fn read(client: &Client, stream: &str, options: &db::ReadStreamOptions) -> Result<Vec<ResolvedEvent>, Error> {
    let mut reading = client.read_stream(stream, options).await?;
    let mut found = Vec::new();
    while let Some(event) = reading.next().await? {
        found.push(event);
    }
    Ok(found)
}

async fn revisions(client: &Client, stream: &str) -> Vec<u64> {
    let found = read(client, stream, &Default::default()).await.expect("reads");
    found.iter().map(|event| event.get_original_event().revision).collect()
}

pub async fn tour(uri: &str) {
    let client = connect(uri);
    expected_versions_and_repeats(&client).await;
    batches(&client).await;
    reading_both_ways(&client).await;
    history_into_the_present(&client).await;
    deleting(&client).await;
    metadata(&client).await;
    links(&client).await;
    large_events_and_deadlines(&client).await;
    ours_are_read_only(&client).await;
    groups_on_everything(&client).await;
    groups_on_a_stream(uri, client).await;
}

async fn expected_versions_and_repeats(client: &Client) {
    let name = stream("order");
    let sent = events(5, "Placed");
    let append = |expected, events: Vec<EventData>| {
        let (name, options) = (name.clone(), appending(expected));
        async move { client.append_to_stream(name, &options, events).await }
    };
    let first = append(Expected::NoStream, sent[..3].to_vec()).await.expect("appends");
    assert_eq!(first.next_expected_version, 2);
    let again = append(Expected::NoStream, sent[..3].to_vec())
        .await
        .expect("is a repeat");
    assert_eq!(again.position, first.position);
    for expected in [Expected::NoStream, exactly(7)] {
        let refused = append(expected, vec![event(9, "Placed")]).await;
        assert!(
            matches!(refused, Err(Error::WrongExpectedVersion { .. })),
            "{refused:?}"
        );
    }
    append(exactly(2), sent[3..4].to_vec()).await.expect("appends");
    append(Expected::StreamExists, sent[4..].to_vec())
        .await
        .expect("appends");
    let last = append(Expected::Any, sent[4..].to_vec()).await.expect("is a repeat");
    assert_eq!(last.next_expected_version, 4);
    let options = appending(Expected::StreamExists);
    let missing = client
        .append_to_stream(stream("order"), &options, event(0, "Placed"))
        .await;
    assert!(matches!(missing, Err(Error::WrongExpectedVersion { .. })));
    assert_eq!(revisions(client, &name).await, [0, 1, 2, 3, 4]);
}

async fn batches(client: &Client) {
    let batch = client.batch_append(&Default::default()).await.expect("is supported");
    let name = stream("batch");
    for number in 0..20 {
        let done = batch
            .append_to_stream(&name, Expected::Any, vec![event(number, "Placed")])
            .await;
        assert_eq!(done.expect("appends").current_revision(), Some(number as u64));
    }
    let refused = batch
        .append_to_stream(&name, Expected::NoStream, vec![event(0, "Placed")])
        .await;
    assert!(refused.is_err(), "{refused:?}");
}

async fn reading_both_ways(client: &Client) {
    let (name, kind) = (stream("order"), stream("Kind"));
    let mut sent = events(10, &kind);
    sent.push(event(10, "Other"));
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), sent)
        .await
        .expect("appends");
    let options = db::ReadStreamOptions::default()
        .position(StreamPosition::End)
        .backwards()
        .max_count(3);
    let back = read(client, &name, &options).await.expect("reads");
    let back: Vec<u64> = back.iter().map(|event| event.get_original_event().revision).collect();
    assert_eq!(back, [10, 9, 8]);
    let missing = read(client, &stream("none"), &Default::default()).await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
    let mut first = client
        .read_all(&db::ReadAllOptions::default().max_count(1))
        .await
        .expect("reads");
    let first = first.next().await.expect("reads").expect("is there");
    assert!(first.get_original_event().event_type.starts_with('$'));
    for filter in [
        SubscriptionFilter::on_event_type().add_prefix(&kind),
        SubscriptionFilter::on_event_type().regex(format!("^{kind}$")),
        SubscriptionFilter::on_stream_name().add_prefix(&name),
    ] {
        let options = db::SubscribeToAllOptions::default()
            .position(StreamPosition::Start)
            .filter(filter);
        let mut subscription = client.subscribe_to_all(&options).await;
        for revision in 0..10 {
            let found = subscription.next().await.expect("goes on");
            assert_eq!(found.get_original_event().revision, revision);
        }
    }
}

async fn history_into_the_present(client: &Client) {
    const COUNT: usize = 10_000;
    let (name, kind) = (stream("many"), stream("Many"));
    let sent = events(COUNT, &kind);
    let (history, rest) = sent.split_at(COUNT / 2);
    for page in history.chunks(1_000) {
        client
            .append_to_stream(name.as_str(), &appending(Expected::Any), page.to_vec())
            .await
            .expect("appends");
    }
    let live = tokio::spawn({
        let (client, name, rest) = (client.clone(), name.clone(), rest.to_vec());
        async move {
            for page in rest.chunks(500) {
                client
                    .append_to_stream(name.as_str(), &appending(Expected::Any), page.to_vec())
                    .await
                    .expect("appends");
            }
        }
    });
    let mut position = StreamPosition::Start;
    let mut seen = 0;
    // Breaks off and comes back, as a client does whose connection is lost.
    for until in [3_333, 7_777, COUNT] {
        let filter = SubscriptionFilter::on_event_type().add_prefix(&kind);
        let options = db::SubscribeToAllOptions::default().position(position).filter(filter);
        let mut subscription = client.subscribe_to_all(&options).await;
        while seen < until {
            let found = subscription.next().await.expect("goes on");
            let original = found.get_original_event();
            assert_eq!(original.revision, seen as u64);
            position = StreamPosition::Position(original.position);
            seen += 1;
        }
    }
    live.await.expect("appends");
    let options = db::SubscribeToStreamOptions::default().start_from(StreamPosition::End);
    let mut subscription = client.subscribe_to_stream(name.as_str(), &options).await;
    let caught_up = async {
        loop {
            if let db::SubscriptionEvent::CaughtUp { .. } =
                subscription.next_subscription_event().await.expect("goes on")
            {
                return;
            }
        }
    };
    caught_up.await;
    client
        .append_to_stream(name.as_str(), &appending(Expected::Any), event(0, &kind))
        .await
        .expect("appends");
    assert_eq!(
        subscription
            .next()
            .await
            .expect("goes on")
            .get_original_event()
            .revision,
        COUNT as u64
    );
}

async fn deleting(client: &Client) {
    let name = stream("order");
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), events(2, "Placed"))
        .await
        .expect("appends");
    assert!(
        client
            .delete_stream(name.as_str(), &soft_deleting(exactly(0)))
            .await
            .is_err()
    );
    client
        .delete_stream(name.as_str(), &soft_deleting(exactly(1)))
        .await
        .expect("is deleted");
    let gone = read(client, &name, &Default::default()).await;
    assert!(matches!(gone, Err(Error::ResourceNotFound)), "{gone:?}");
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), event(2, "Placed"))
        .await
        .expect("comes back");
    assert_eq!(revisions(client, &name).await, [2]);
    client
        .tombstone_stream(name.as_str(), &closing(exactly(2)))
        .await
        .expect("is closed");
    let closed = client.read_stream(name.as_str(), &Default::default()).await;
    assert!(matches!(closed, Err(Error::ResourceDeleted)), "{:?}", closed.err());
    let refused = client
        .append_to_stream(name.as_str(), &appending(Expected::Any), event(0, "Placed"))
        .await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
}

async fn metadata(client: &Client) {
    let name = stream("order");
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), events(10, "Placed"))
        .await
        .expect("appends");
    for (limits, left) in [
        (StreamMetadataBuilder::new().max_count(3).build(), vec![7, 8, 9]),
        (StreamMetadataBuilder::new().truncate_before(9).build(), vec![9]),
        (StreamMetadataBuilder::new().build(), (0..10).collect()),
    ] {
        client
            .set_stream_metadata(name.as_str(), &appending(Expected::Any), &limits)
            .await
            .expect("is set");
        assert_eq!(revisions(client, &name).await, left);
    }
    // This client writes milliseconds where the protocol has seconds: this is one second.
    let limits = StreamMetadataBuilder::new().max_age(Duration::from_millis(1)).build();
    client
        .set_stream_metadata(name.as_str(), &appending(exactly(2)), &limits)
        .await
        .expect("is set");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(revisions(client, &name).await.is_empty());
}

async fn links(client: &Client) {
    let (target, name) = (stream("target"), stream("links"));
    client
        .append_to_stream(target.as_str(), &appending(Expected::NoStream), events(3, "Placed"))
        .await
        .expect("appends");
    let link = |text: String| EventData::binary("$>", text.into()).id(Uuid::new_v4());
    let sent = vec![link(format!("1@{target}")), link(format!("9@{target}"))];
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), sent)
        .await
        .expect("appends");
    let found = read(client, &name, &db::ReadStreamOptions::default().resolve_link_tos())
        .await
        .expect("reads");
    assert!(found[0].is_resolved() && found[0].event.as_ref().expect("is there").revision == 1);
    assert!(found[1].event.is_none() && found[1].link.is_some());
}

async fn large_events_and_deadlines(client: &Client) {
    let name = stream("large");
    let data: bytes::Bytes = vec![7; 12 * 1024 * 1024].into();
    let large = EventData::binary("Large", data.clone()).id(Uuid::new_v4());
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), large)
        .await
        .expect("appends");
    let found = read(client, &name, &Default::default()).await.expect("reads");
    assert_eq!(found[0].get_original_event().data, data);
    let too_large = EventData::binary("Large", vec![7; 16 * 1024 * 1024 + 1].into()).id(Uuid::new_v4());
    assert!(
        client
            .append_to_stream(name.as_str(), &appending(Expected::Any), too_large)
            .await
            .is_err()
    );
    assert_eq!(revisions(client, &name).await, [0]);
    // A nanosecond may be enough; whether it was is what the answer says.
    let late = appending(Expected::Any).deadline(Duration::from_nanos(1));
    let answer = client.append_to_stream(name.as_str(), &late, events(3, "Placed")).await;
    let there = revisions(client, &name).await.len();
    assert!(
        there == 4 || (there == 1 && answer.is_err()),
        "{there} events, {answer:?}"
    );
}

async fn ours_are_read_only(client: &Client) {
    let refused = client
        .append_to_stream("case-1", &appending(Expected::Any), event(0, "Placed"))
        .await;
    assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
    let refused = client.delete_stream("points-1", &soft_deleting(Expected::Any)).await;
    assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
}

async fn groups_on_everything(client: &Client) {
    let (kind, group) = (stream("Kind"), stream("group"));
    let options = db::PersistentSubscriptionToAllOptions::default()
        .filter(SubscriptionFilter::on_event_type().add_prefix(&kind))
        .start_from(StreamPosition::Start);
    client
        .create_persistent_subscription_to_all(&group, &options)
        .await
        .expect("is made");
    client
        .append_to_stream(stream("order"), &appending(Expected::NoStream), events(5, &kind))
        .await
        .expect("appends");
    let mut consumer = client
        .subscribe_to_persistent_subscription_to_all(&group, &Default::default())
        .await
        .expect("joins");
    for revision in 0..5 {
        let found = consumer.next().await.expect("goes on");
        assert_eq!(found.get_original_event().revision, revision);
        consumer
            .ack_ids([found.get_original_event().id])
            .await
            .expect("is sent");
    }
    let info = client
        .get_persistent_subscription_info_to_all(&group, &Default::default())
        .await
        .expect("is there");
    assert_eq!(info.connections.len(), 1);
    client
        .delete_persistent_subscription_to_all(&group, &Default::default())
        .await
        .expect("is deleted");
}

async fn groups_on_a_stream(uri: &str, client: Client) {
    let (name, group) = (stream("order"), stream("group"));
    client
        .append_to_stream(name.as_str(), &appending(Expected::NoStream), events(6, "Placed"))
        .await
        .expect("appends");
    let options = db::PersistentSubscriptionOptions::default()
        .start_from(StreamPosition::Start)
        .message_timeout(Duration::from_secs(2))
        .max_retry_count(2)
        .checkpoint_lower_bound(1)
        .checkpoint_after(Duration::from_millis(100));
    client
        .create_persistent_subscription(name.as_str(), &group, &options)
        .await
        .expect("is made");
    let again = client
        .create_persistent_subscription(name.as_str(), &group, &options)
        .await;
    assert!(matches!(again, Err(Error::ResourceAlreadyExists)), "{again:?}");
    let mut consumer = join(&client, &name, &group).await;
    let mut tries: Vec<Vec<usize>> = vec![Vec::new(); 6];
    while tries.iter().map(Vec::len).sum::<usize>() < 9 {
        let db::PersistentSubscriptionEvent::EventAppeared { retry_count, event } =
            consumer.next_subscription_event().await.expect("goes on")
        else {
            continue;
        };
        let revision = event.get_original_event().revision as usize;
        tries[revision].push(retry_count);
        match revision {
            1 => consumer
                .nack_ids([event.get_original_event().id], NakAction::Park, "not now")
                .await
                .expect("is sent"),
            2 => consumer
                .nack_ids([event.get_original_event().id], NakAction::Skip, "never")
                .await
                .expect("is sent"),
            3 => consumer
                .nack_ids([event.get_original_event().id], NakAction::Retry, "again")
                .await
                .expect("is sent"),
            // It runs into the timeout.
            4 if retry_count == 0 => {}
            _ => consumer
                .ack_ids([event.get_original_event().id])
                .await
                .expect("is sent"),
        }
    }
    assert_eq!(tries, [vec![0], vec![0], vec![0], vec![0, 1, 2], vec![0, 1], vec![0]]);
    until(&client, &name, &group, |stats| stats.parked_message_count == 2).await;
    client
        .replay_parked_messages(&name, &group, &Default::default())
        .await
        .expect("are replayed");
    for _ in 0..2 {
        let event = consumer.next().await.expect("goes on");
        assert!([1, 3].contains(&event.get_original_event().revision));
        consumer
            .ack_ids([event.get_original_event().id])
            .await
            .expect("is sent");
    }
    until(&client, &name, &group, |stats| {
        stats.parked_message_count == 0 && stats.last_checkpointed_event_revision == Some(5)
    })
    .await;
    client
        .append_to_stream(name.as_str(), &appending(Expected::Any), events(3, "Placed"))
        .await
        .expect("appends");
    drop((consumer, client));
    super::restart();
    let client = connect(uri);
    let mut consumer = join(&client, &name, &group).await;
    for revision in 6..9 {
        let event = consumer.next().await.expect("goes on");
        assert_eq!(event.get_original_event().revision, revision);
        consumer
            .ack_ids([event.get_original_event().id])
            .await
            .expect("is sent");
    }
    client
        .delete_persistent_subscription(name.as_str(), &group, &Default::default())
        .await
        .expect("is deleted");
    assert!(consumer.next().await.is_err());
    let missing = client
        .delete_persistent_subscription(name.as_str(), &group, &Default::default())
        .await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

async fn join(client: &Client, stream: &str, group: &str) -> db::PersistentSubscription {
    client
        .subscribe_to_persistent_subscription(stream, group, &Default::default())
        .await
        .expect("joins")
}

async fn until(client: &Client, stream: &str, group: &str, good: impl Fn(&db::PersistentSubscriptionStats) -> bool) {
    for _ in 0..200 {
        let info = client
            .get_persistent_subscription_info(stream, group, &Default::default())
            .await
            .expect("is there");
        if good(&info.stats) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come true");
}
