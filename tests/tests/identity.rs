//! Who calls: tokens of accounts, and everything that is none.

use tonic::Code;
use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::{Clients, STATION, Server, account, run};

#[test]
fn a_token_says_who_and_nothing_else_does() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let nobody = run(&["serve", "--database", &database.url, "--listen", "127.0.0.1:0"]);
        assert_eq!(nobody.status.code(), Some(8), "nobody has an account: {nobody:?}");
        let add = |id: &str, role: &str| {
            let token = account(&database.url, id, role);
            token.trim_start_matches("Bearer ").to_owned()
        };
        let (security, worker) = (add("security-1", "SECURITY_ADMIN"), add("worker-1", "CASE_WORKER"));
        let server = Server::serve_with(&database.url, &[waystation_tests::SECURE]);
        let channel = server.connect().await;
        let with = |value: &str| waystation_tests::Bearing::new(value);
        let cases =
            |value: &str| v1::case_service_client::CaseServiceClient::with_interceptor(channel.clone(), with(value));
        let admin =
            |value: &str| v1::admin_service_client::AdminServiceClient::with_interceptor(channel.clone(), with(value));
        let bearer = |token: &str| format!("Bearer {token}");
        let list = v1::ListCasesRequest {
            station: STATION.into(),
            ..Default::default()
        };
        cases(&bearer(&worker))
            .list_cases(list.clone())
            .await
            .expect("is who it says");
        let (id, secret) = worker.trim_start_matches("wst:").split_once(':').expect("has both");
        let basic = format!(
            "Basic {}",
            waystation_tests::base64(format!("{id}:{secret}").as_bytes())
        );
        cases(&basic)
            .list_cases(list.clone())
            .await
            .expect("as clients of EventStoreDB send it");
        // What is refused, and that metadata is not believed here.
        let mut believed = Clients::over(&channel, "worker-1", "CASE_WORKER");
        let refused = believed.cases.list_cases(list.clone()).await.expect_err("is refused");
        assert_eq!(refused.code(), Code::Unauthenticated);
        let altered = worker.replace(&secret[..8], "00000000");
        for value in [
            "",
            "Bearer",
            "Bearer nonsense",
            "Bearer wst:worker-1:",
            "Basic nonsense",
            "Basic !!!",
            &bearer(&altered),
            &bearer("wst:nobody:00"),
            &bearer(&"x".repeat(5_000)),
            "Digest x",
        ] {
            let refused = cases(value).list_cases(list.clone()).await.expect_err("is refused");
            assert_eq!(refused.code(), Code::Unauthenticated, "{value}: {refused}");
            assert!(!refused.message().contains(&secret[..8]), "{refused}");
        }
        // Roles are kept apart at the grant and at the use.
        let denied = admin(&bearer(&worker))
            .create_account(v1::CreateAccountRequest::default())
            .await;
        assert_eq!(denied.expect_err("is refused").code(), Code::PermissionDenied);
        let denied = cases(&bearer(&security)).list_cases(list.clone()).await;
        assert_eq!(denied.expect_err("is refused").code(), Code::PermissionDenied);
        let request = v1::CreateAccountRequest {
            account_id: "leader-1".into(),
            role: "SUPERVISOR".into(),
            station: STATION.into(),
            until: String::new(),
        };
        for until in ["2020-01-01", "tomorrow"] {
            let request = v1::CreateAccountRequest {
                until: until.into(),
                ..request.clone()
            };
            let refused = admin(&bearer(&security)).create_account(request).await;
            let refused = refused.expect_err("is no day to come");
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
            let details = refused.get_details_bad_request().expect("names the field");
            assert_eq!(details.field_violations[0].field, "until");
        }
        let made = admin(&bearer(&security))
            .create_account(request.clone())
            .await
            .expect("is made")
            .into_inner();
        cases(&bearer(&made.token))
            .list_cases(list.clone())
            .await
            .expect("works");
        let again = admin(&bearer(&security))
            .create_account(request)
            .await
            .expect_err("is there");
        assert_eq!(again.code(), Code::AlreadyExists);
        let system = v1::CreateAccountRequest {
            account_id: "god".into(),
            role: "SYSTEM".into(),
            station: STATION.into(),
            until: String::new(),
        };
        let system = admin(&bearer(&security))
            .create_account(system)
            .await
            .expect_err("is nobody's");
        assert_eq!(system.code(), Code::InvalidArgument, "{system}");
        let disable = v1::DisableAccountRequest { name: made.name };
        admin(&bearer(&security))
            .disable_account(disable)
            .await
            .expect("is disabled");
        let refused = cases(&bearer(&made.token)).list_cases(list).await.expect_err("at once");
        assert_eq!(refused.code(), Code::Unauthenticated);
        // Stock clients come with the same accounts; case workers do not read the log as it is.
        let mut streams = waystation_api::event_store::client::streams::streams_client::StreamsClient::with_interceptor(
            channel.clone(),
            with(&basic),
        );
        let read = streams
            .read(waystation_api::event_store::client::streams::ReadReq::default())
            .await;
        assert_eq!(read.expect_err("is refused").code(), Code::PermissionDenied);
    });
}
