//! Other tenants' streams under the same identities: accounts made through the Users service, passwords with every call,
//! `$acl`, and what no account but an inspector's is shown of the log.

use tokio_stream::StreamExt;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::persistent_subscriptions as groups;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{AppendReq, DeleteReq, ReadReq, append_req, read_resp};
use waystation_api::event_store::client::users;
use waystation_api::event_store::client::users::users_client::UsersClient;
use waystation_api::kurrentdb::streams_service_client::StreamsServiceClient;
use waystation_api::kurrentdb::{
    AppendRecord, AppendRecordsRequest, ConsistencyCheck, SchemaFormat, SchemaInfo, consistency_check,
};
use waystation_storage::testing::on_both;
use waystation_tests::people::reason;
use waystation_tests::{Bearing, SECURE, STATION, Server, account, base64, read_all, read_stream, run};

const PASSWORD: &str = "a long enough password";
const OTHER: &str = "another password, longer";

type As<T> = InterceptedService<T, Bearing>;

fn basic(id: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{id}:{password}").as_bytes()))
}

fn users(channel: &Channel, who: &str) -> UsersClient<As<Channel>> {
    UsersClient::with_interceptor(channel.clone(), Bearing::new(who))
}

async fn create(channel: &Channel, who: &str, id: &str, password: &str, groups: &[&str]) -> Result<(), Status> {
    let options = users::create_req::Options {
        login_name: id.into(),
        password: password.into(),
        full_name: "not kept".into(),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
    };
    let request = users::CreateReq { options: Some(options) };
    users(channel, who).create(request).await.map(drop)
}

fn target(stream: &str) -> v1::Target {
    v1::Target {
        stream_identifier: Some(v1::StreamIdentifier {
            stream_name: stream.as_bytes().to_vec().into(),
        }),
        expected: Some(v1::target::Expected::Any(v1::Empty {})),
    }
}

async fn append(channel: &Channel, who: &str, stream: &str, event_type: &str, data: &str) -> Result<(), Status> {
    let metadata = [("type", event_type), ("content-type", "application/json")];
    let message = v1::ProposedMessage {
        id: Some(v1::Uuid {
            value: Some(v1::uuid::Value::String(waystation_app::ids::random().to_string())),
        }),
        metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        data: data.as_bytes().to_vec().into(),
        ..Default::default()
    };
    let content = [
        append_req::Content::Options(target(stream)),
        append_req::Content::ProposedMessage(message),
    ];
    let requests = content.map(|content| AppendReq { content: Some(content) });
    let mut streams = StreamsClient::with_interceptor(channel.clone(), Bearing::new(who));
    streams.append(tokio_stream::iter(requests)).await.map(drop)
}

/// How many events a reading gives.
async fn read(channel: &Channel, who: &str, request: ReadReq) -> Result<usize, Status> {
    let mut streams = StreamsClient::with_interceptor(channel.clone(), Bearing::new(who));
    let mut replies = streams.read(request).await?.into_inner();
    let mut events = 0;
    while let Some(reply) = replies.next().await {
        events += usize::from(matches!(reply?.content, Some(read_resp::Content::Event(_))));
    }
    Ok(events)
}

/// A group called `readers`, of a stream or of everything.
fn group(stream: Option<&str>, resolve_links: bool) -> groups::create_req::Options {
    use groups::create_req::options::StreamOption;
    use groups::create_req::settings::{CheckpointAfter, MessageTimeout};
    use groups::create_req::{AllOptions, Settings, all_options};
    let stream_option = match stream {
        Some(name) => StreamOption::Stream(v1::StreamStart {
            stream_identifier: target(name).stream_identifier,
            revision_option: Some(v1::stream_start::RevisionOption::Start(v1::Empty {})),
        }),
        None => StreamOption::All(AllOptions {
            all_option: Some(all_options::AllOption::Start(v1::Empty {})),
            filter_option: None,
        }),
    };
    groups::create_req::Options {
        stream_option: Some(stream_option),
        group_name: "readers".into(),
        settings: Some(Settings {
            resolve_links,
            max_retry_count: 10,
            min_checkpoint_count: 1,
            max_checkpoint_count: 50,
            live_buffer_size: 500,
            read_batch_size: 20,
            history_buffer_size: 100,
            message_timeout: Some(MessageTimeout::MessageTimeoutMs(30_000)),
            checkpoint_after: Some(CheckpointAfter::CheckpointAfterMs(1_000)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// One record, appended while another stream does not exist.
fn checked(stream: &str) -> AppendRecordsRequest {
    let state = consistency_check::StreamStateCheck {
        stream: stream.into(),
        expected_state: -1,
    };
    AppendRecordsRequest {
        records: vec![AppendRecord {
            stream: Some("orders-1".into()),
            schema: Some(SchemaInfo {
                format: SchemaFormat::Json.into(),
                name: "placed".into(),
                id: None,
            }),
            data: b"{}".to_vec().into(),
            ..Default::default()
        }],
        checks: vec![ConsistencyCheck {
            r#type: Some(consistency_check::Type::StreamState(state)),
        }],
    }
}

fn denied<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_eq!(answer.expect_err("is refused").code(), Code::PermissionDenied);
}

#[test]
fn users_are_accounts_and_passwords_come_with_every_call() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let security = account(&database.url, "security-1", "SECURITY_ADMIN");
        let worker = account(&database.url, "worker-1", "CASE_WORKER");
        let server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        denied(create(&channel, &worker, "stats-1", PASSWORD, &["SERVICE", "district-1"]).await);
        for (id, password, groups) in [
            ("no spaces", PASSWORD, &["SERVICE", "district-1"][..]),
            ("stats-1", "short", &["SERVICE", "district-1"]),
            ("stats-1", PASSWORD, &["district-1"]),
            ("stats-1", PASSWORD, &["SYSTEM", "district-1"]),
        ] {
            let refused = create(&channel, &security, id, password, groups).await;
            let refused = refused.expect_err("is refused");
            assert_eq!(refused.code(), Code::InvalidArgument, "{id} {groups:?}: {refused}");
        }
        let made = create(&channel, &security, "stats-1", PASSWORD, &["SERVICE", "district-1"]).await;
        made.expect("nothing of the refused was half made");
        let again = create(&channel, &security, "stats-1", PASSWORD, &["SERVICE", "district-1"]).await;
        assert_eq!(again.expect_err("is there").code(), Code::AlreadyExists);

        let details = |name: &str| users::DetailsReq {
            options: Some(users::details_req::Options {
                login_name: name.into(),
            }),
        };
        let listed = users(&channel, &security).details(details("")).await;
        let listed: Vec<_> = listed.expect("lists").into_inner().collect().await;
        let names: Vec<String> = listed
            .into_iter()
            .filter_map(|reply| reply.expect("is told").user_details)
            .map(|user| user.login_name)
            .collect();
        assert_eq!(names, ["security-1", "stats-1", "worker-1"]);
        let one = users(&channel, &security).details(details("stats-1")).await;
        let one = one.expect("is there").into_inner().next().await;
        let one = one.expect("one").expect("is told").user_details.expect("has them");
        assert_eq!(
            (one.groups.join(" ").as_str(), one.disabled),
            ("SERVICE district-1", false)
        );
        assert_eq!(one.full_name, "stats-1");
        assert!(one.last_updated.expect("has a time").ticks_since_epoch > 17_000_000_000_000_000);
        let nobody = users(&channel, &security).details(details("nobody")).await;
        assert_eq!(reason(&nobody.expect_err("is not there")), "ACCOUNT_MISSING");

        let update = |groups: &[&str]| users::UpdateReq {
            options: Some(users::update_req::Options {
                login_name: "stats-1".into(),
                groups: groups.iter().map(|name| (*name).to_owned()).collect(),
                ..Default::default()
            }),
        };
        let same = users(&channel, &security)
            .update(update(&["district-1", "SERVICE"]))
            .await;
        same.expect("says what is so");
        let more = users(&channel, &security)
            .update(update(&["INSPECTOR", "district-1"]))
            .await;
        assert_eq!(more.expect_err("keeps its role").code(), Code::InvalidArgument);

        // A password is shown with every call, and its owner changes it.
        let own = basic("stats-1", PASSWORD);
        append(&channel, &own, "orders-1", "placed", "{}")
            .await
            .expect("its own stream");
        assert_eq!(read(&channel, &own, read_stream("orders-1")).await.expect("reads"), 1);
        let change = |id: &str, current: &str, new: &str| users::ChangePasswordReq {
            options: Some(users::change_password_req::Options {
                login_name: id.into(),
                current_password: current.into(),
                new_password: new.into(),
            }),
        };
        denied(
            users(&channel, &own)
                .change_password(change("worker-1", PASSWORD, OTHER))
                .await,
        );
        let wrong = users(&channel, &own)
            .change_password(change("stats-1", OTHER, OTHER))
            .await;
        assert_eq!(wrong.expect_err("is not it").code(), Code::InvalidArgument);
        let changed = users(&channel, &own)
            .change_password(change("stats-1", PASSWORD, OTHER))
            .await;
        changed.expect("is its own");
        let old = read(&channel, &own, read_stream("orders-1")).await;
        assert_eq!(old.expect_err("not any more").code(), Code::Unauthenticated);
        read(&channel, &basic("stats-1", OTHER), read_stream("orders-1"))
            .await
            .expect("works");
        let reset = |name: &str| users::ResetPasswordReq {
            options: Some(users::reset_password_req::Options {
                login_name: name.into(),
                new_password: PASSWORD.into(),
            }),
        };
        users(&channel, &security)
            .reset_password(reset("stats-1"))
            .await
            .expect("is reset");
        // Nobody becomes a member of staff like this, nor does a password of theirs open anything but a session.
        denied(users(&channel, &security).reset_password(reset("worker-1")).await);
        create(&channel, &security, "worker-9", PASSWORD, &["CASE_WORKER", STATION])
            .await
            .expect("is made");
        let staff = read(&channel, &basic("worker-9", PASSWORD), read_stream("orders-1")).await;
        assert_eq!(staff.expect_err("has a session").code(), Code::Unauthenticated);
        read(&channel, &own, read_stream("orders-1"))
            .await
            .expect("works again");

        // Guessing is as limited as it is where people log in; what was right before still is.
        for _ in 0..5 {
            let guess = read(&channel, &basic("stats-1", "not it, not it"), read_stream("orders-1")).await;
            let code = guess.expect_err("is refused").code();
            assert!(
                matches!(code, Code::Unauthenticated | Code::ResourceExhausted),
                "{code:?}"
            );
        }
        let guess = read(&channel, &basic("stats-1", OTHER), read_stream("orders-1")).await;
        assert_eq!(guess.expect_err("has to wait").code(), Code::ResourceExhausted);
        read(&channel, &own, read_stream("orders-1"))
            .await
            .expect("is recognised");

        let disable = users::DeleteReq {
            options: Some(users::delete_req::Options {
                login_name: "stats-1".into(),
            }),
        };
        users(&channel, &security).delete(disable).await.expect("is closed");
        let closed = read(&channel, &own, read_stream("orders-1")).await;
        assert_eq!(closed.expect_err("at once").code(), Code::Unauthenticated);
        let enable = users::EnableReq {
            options: Some(users::enable_req::Options {
                login_name: "stats-1".into(),
            }),
        };
        let enabled = users(&channel, &security).enable(enable).await;
        assert_eq!(reason(&enabled.expect_err("for good")), "ACCOUNT_MISSING");
        let disable = users::DisableReq {
            options: Some(users::disable_req::Options {
                login_name: "worker-1".into(),
            }),
        };
        users(&channel, &security)
            .disable(disable)
            .await
            .expect("is closed too");
    });
}

#[test]
fn lists_say_whose_streams_are_and_records_are_nobodys_here() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let one = account(&database.url, "stats-1", "SERVICE");
        let two = account(&database.url, "stats-2", "SERVICE");
        let admin = account(&database.url, "system-1", "SYSTEM_ADMIN");
        let inspector = account(&database.url, "inspector-1", "INSPECTOR");
        let worker = account(&database.url, "worker-1", "CASE_WORKER");
        let server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        append(&channel, &one, "orders-1", "placed", "{}")
            .await
            .expect("is nobody's yet");
        append(&channel, &two, "orders-1", "placed", "{}")
            .await
            .expect("is everybody's");
        let acl = r#"{"$acl":{"$r":["stats-1"],"$w":"stats-1","$d":"stats-1","$mr":"stats-1","$mw":"stats-1"}}"#;
        append(&channel, &one, "$$orders-1", "$metadata", acl)
            .await
            .expect("is put down");
        assert_eq!(read(&channel, &one, read_stream("orders-1")).await.expect("reads"), 2);
        denied(read(&channel, &two, read_stream("orders-1")).await);
        denied(read(&channel, &two, read_stream("$$orders-1")).await);
        denied(append(&channel, &two, "orders-1", "placed", "{}").await);
        denied(append(&channel, &two, "$$orders-1", "$metadata", "{}").await);
        let mut streams = StreamsClient::with_interceptor(channel.clone(), Bearing::new(&two));
        let delete = DeleteReq {
            options: Some(target("orders-1")),
        };
        denied(streams.delete(delete.clone()).await);
        denied(streams.tombstone(delete).await);
        // Whoever runs the installation is not kept out, and inspectors read what the log holds.
        assert_eq!(read(&channel, &admin, read_stream("orders-1")).await.expect("reads"), 2);
        assert_eq!(
            read(&channel, &inspector, read_stream("orders-1"))
                .await
                .expect("reads"),
            2
        );

        // Nobody's records, and nothing that could lead there.
        let request = waystation_tests::order("1", &waystation_tests::today());
        let mut cases = waystation_api::v1::case_service_client::CaseServiceClient::with_interceptor(
            channel.clone(),
            Bearing::new(&worker),
        );
        cases.register_order(request).await.expect("is registered");
        assert!(read(&channel, &inspector, read_all()).await.expect("reads the log") > 3);
        for who in [&one, &admin] {
            denied(read(&channel, who, read_all()).await);
            for stream in ["case-1", "$$case-1", "$ce-case", "account-worker-1", "$settings"] {
                denied(read(&channel, who, read_stream(stream)).await);
            }
            let mut resolving = read_stream("orders-1");
            if let Some(options) = &mut resolving.options {
                options.resolve_links = true;
            }
            denied(read(&channel, who, resolving).await);
        }
        // Not even whether they are there: by an append of nothing, or by a check beside another append.
        for who in [&one, &admin] {
            for stream in ["case-1", "person-1", "account-worker-1"] {
                let nothing = [AppendReq {
                    content: Some(append_req::Content::Options(target(stream))),
                }];
                let mut streams = StreamsClient::with_interceptor(channel.clone(), Bearing::new(who));
                denied(streams.append(tokio_stream::iter(nothing)).await);
                let mut records = StreamsServiceClient::with_interceptor(channel.clone(), Bearing::new(who));
                denied(records.append_records(checked(stream)).await);
            }
        }
        denied(append(&channel, &one, "$settings", "$settings", "{}").await);
        denied(append(&channel, &one, "case-1", "x", "{}").await);
        denied(read(&channel, &worker, read_stream("orders-1")).await);

        // Groups of consumers are no way around.
        let join = |stream: Option<&str>| {
            use groups::read_req::options::StreamOption;
            let stream_option = Some(match stream {
                Some(name) => StreamOption::StreamIdentifier(v1::StreamIdentifier {
                    stream_name: name.as_bytes().to_vec().into(),
                }),
                None => StreamOption::All(v1::Empty {}),
            });
            let options = groups::read_req::Options {
                stream_option,
                group_name: "readers".into(),
                buffer_size: 10,
                uuid_option: Some(v1::UuidOption {
                    content: Some(v1::uuid_option::Content::String(v1::Empty {})),
                }),
            };
            tokio_stream::iter([groups::ReadReq {
                content: Some(groups::read_req::Content::Options(options)),
            }])
        };
        let create = |stream: Option<&str>, resolve_links: bool| groups::CreateReq {
            options: Some(group(stream, resolve_links)),
        };
        let as_whom = |who: &str| PersistentSubscriptionsClient::with_interceptor(channel.clone(), Bearing::new(who));
        denied(as_whom(&one).create(create(None, false)).await);
        denied(as_whom(&one).create(create(Some("case-1"), false)).await);
        denied(as_whom(&one).create(create(Some("orders-1"), true)).await);
        denied(as_whom(&two).create(create(Some("orders-1"), false)).await);
        as_whom(&one)
            .create(create(Some("orders-1"), false))
            .await
            .expect("is its own");
        as_whom(&admin)
            .create(create(None, false))
            .await
            .expect("manages, and reads nothing by that");
        denied(as_whom(&two).read(join(Some("orders-1"))).await);
        denied(as_whom(&one).read(join(None)).await);
        denied(as_whom(&admin).read(join(None)).await);
        let mut joined = as_whom(&one)
            .read(join(Some("orders-1")))
            .await
            .expect("joins")
            .into_inner();
        for _ in 0..3 {
            joined.next().await.expect("goes on").expect("hello, and two events");
        }
        as_whom(&inspector).read(join(None)).await.expect("reads everything");
        let list = groups::ListReq {
            options: Some(groups::list_req::Options {
                list_option: Some(groups::list_req::options::ListOption::ListAllSubscriptions(
                    v1::Empty {},
                )),
            }),
        };
        let seen = |who: &str| {
            let (list, mut client) = (list.clone(), as_whom(who));
            async move {
                let listed = client.list(list).await.expect("lists").into_inner();
                listed.subscriptions.len()
            }
        };
        assert_eq!((seen(&one).await, seen(&admin).await), (1, 2));

        // Who may read a group's events may know how it stands, and only then.
        let info = groups::GetInfoReq {
            options: Some(groups::get_info_req::Options {
                stream_option: Some(groups::get_info_req::options::StreamOption::All(v1::Empty {})),
                group_name: "readers".into(),
            }),
        };
        as_whom(&inspector)
            .get_info(info.clone())
            .await
            .expect("reads everything");
        as_whom(&admin)
            .get_info(info.clone())
            .await
            .expect("manages everything");
        denied(as_whom(&one).get_info(info).await);

        // What one server process learns of lists, another knows too; SQLite has one process.
        if database.kind == "postgres" {
            let second = Server::serve_with(&database.url, &[SECURE]);
            let there = second.connect().await;
            append(&there, &one, "orders-2", "placed", "{}").await.expect("appends");
            append(&there, &two, "orders-2", "placed", "{}").await.expect("appends");
            let acl = r#"{"$acl":{"$w":"stats-1"}}"#;
            append(&channel, &one, "$$orders-2", "$metadata", acl)
                .await
                .expect("is put down");
            let mut refused = false;
            for _ in 0..100 {
                refused = append(&there, &two, "orders-2", "placed", "{}").await.is_err();
                if refused {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert!(refused, "the other process goes by lists that are out of date");
        }
    });
}
