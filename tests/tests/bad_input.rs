//! Bad input gets the right code, names its field, and changes nothing; on both databases.

use tonic::{Code, Status};
use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::{Clients, Server, after, as_of, check_in, order, today};

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

async fn award(clients: &mut Clients, id: &str, revision: i64) -> Result<v1::CommandReceipt, Status> {
    let request = v1::AwardPointsRequest {
        name: format!("pointsAccounts/p-{id}"),
        rule: "check_in".into(),
        basis: format!("cases/{id}/events/{revision}"),
        ..Default::default()
    };
    Ok(clients.points.award_points(request).await?.into_inner())
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let mut store = server.clients("store-1", "STORE_KEEPER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        let receipt = clients
            .cases
            .record_check_in(check_in("c1", &day))
            .await
            .expect("is recorded")
            .into_inner();
        let revision = receipt.etag.parse::<i64>().expect("is a number") - receipt.events + 1;
        let head = award(&mut clients, "c1", revision).await.expect("is awarded").position;

        let cases = [
            (
                "on",
                v1::RecordCheckInRequest {
                    on: "2026-02-30".into(),
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            (
                "on",
                v1::RecordCheckInRequest {
                    on: String::new(),
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            (
                "mode",
                v1::RecordCheckInRequest {
                    mode: 99,
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            (
                "mode",
                v1::RecordCheckInRequest {
                    mode: 0,
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            (
                "name",
                v1::RecordCheckInRequest {
                    name: "c1".into(),
                    ..check_in("c1", &day)
                },
                "INVALID_RESOURCE_NAME",
            ),
            (
                "name",
                v1::RecordCheckInRequest {
                    name: "cases/甲".into(),
                    ..check_in("c1", &day)
                },
                "INVALID_RESOURCE_NAME",
            ),
            (
                "request_id",
                v1::RecordCheckInRequest {
                    request_id: "7".into(),
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            (
                "etag",
                v1::RecordCheckInRequest {
                    etag: "-1".into(),
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
            ("on", check_in("c1", "9999-12-31"), "DATE_OUT_OF_RANGE"),
            ("on", check_in("c1", "2199-12-31"), "OCCURRED_IN_FUTURE"),
            ("on", check_in("c1", "2001-01-01"), "OCCURRED_BEFORE_CASE"),
            (
                "late_reason",
                v1::RecordCheckInRequest {
                    late_reason: "x".repeat(65),
                    ..check_in("c1", &day)
                },
                "FIELD_INVALID",
            ),
        ];
        for (field, request, expected) in cases {
            let refused = clients.cases.record_check_in(request).await.expect_err(expected);
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::InvalidArgument, expected),
                "{field}"
            );
            let details = refused.get_error_details();
            let bad = details.bad_request().expect("names the field");
            assert_eq!(bad.field_violations[0].field, field);
            assert!(details.localized_message().is_some_and(|text| text.locale == "zh-CN"));
        }

        let redeem = |points, on: &str| v1::RedeemPointsRequest {
            name: "pointsAccounts/p-c1".into(),
            on: on.into(),
            lines: vec![v1::RedemptionLine {
                sku: "rice".into(),
                kind: "DAILY_GOODS".into(),
                quantity: 1,
                points,
            }],
            ..Default::default()
        };
        for (points, code, expected) in [
            (4, Code::FailedPrecondition, "BALANCE_TOO_LOW"),
            (-1, Code::InvalidArgument, "AMOUNT_OUT_OF_RANGE"),
            (i64::MAX, Code::InvalidArgument, "AMOUNT_OUT_OF_RANGE"),
        ] {
            let refused = store
                .points
                .redeem_points(redeem(points, &day))
                .await
                .expect_err(expected);
            assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected));
        }
        let forbidden = clients
            .points
            .redeem_points(redeem(1, &day))
            .await
            .expect_err("is forbidden");
        assert_eq!(
            (forbidden.code(), reason(&forbidden).as_str()),
            (Code::PermissionDenied, "PERMISSION_DENIED")
        );
        let taken = clients.cases.register_order(v1::RegisterOrderRequest {
            case_id: "c2".into(),
            ..order("c1", &day)
        });
        let taken = taken.await.expect_err("is taken");
        assert_eq!(
            (taken.code(), reason(&taken).as_str()),
            (Code::AlreadyExists, "ORDER_NUMBER_IN_USE")
        );
        let nobody = clients
            .cases
            .record_check_in(check_in("nobody", &day))
            .await
            .expect_err("is not there");
        assert_eq!(
            (nobody.code(), reason(&nobody).as_str()),
            (Code::NotFound, "CASE_NOT_FOUND")
        );
        let large = v1::SignAgreementRequest {
            name: "cases/c1".into(),
            clauses: vec!["x".repeat(1_000); 2_000],
            ..Default::default()
        };
        let large = clients.cases.sign_agreement(large).await.expect_err("is too large");
        assert_eq!(large.code(), Code::OutOfRange, "{large:?}");

        // Field 5 is text in one message and bytes in the other.
        let mut grpc = tonic::client::Grpc::new(server.connect().await);
        grpc.ready().await.expect("is ready");
        let codec = tonic_prost::ProstCodec::<v1::VerifyResponse, v1::CommandReceipt>::default();
        let path = "/waystation.v1.CaseService/RegisterOrder".parse().expect("is a path");
        let not_text = v1::VerifyResponse {
            root: vec![0xff, 0xfe],
            ..Default::default()
        };
        let not_text = grpc
            .unary(tonic::Request::new(not_text), path, codec)
            .await
            .expect_err("is not text");
        assert_eq!(not_text.code(), Code::InvalidArgument, "{not_text:?}");

        let list = |station: &str, token: &str| v1::ListCasesRequest {
            station: station.into(),
            page_token: token.into(),
            page_size: 1,
            ..Default::default()
        };
        let third = clients
            .cases
            .register_order(order("c3", &day))
            .await
            .expect("registers")
            .into_inner();
        let page = clients
            .cases
            .list_cases(v1::ListCasesRequest {
                read: after(&third),
                ..list(waystation_tests::STATION, "")
            })
            .await
            .expect("lists")
            .into_inner();
        let other = clients
            .cases
            .list_cases(list("", &page.next_page_token))
            .await
            .expect_err("is another query");
        assert_eq!(
            (other.code(), reason(&other).as_str()),
            (Code::InvalidArgument, "PAGE_TOKEN_MISMATCH")
        );
        let far = v1::ListCasesRequest {
            read: as_of(1_000_000),
            ..list("", "")
        };
        let far = clients.cases.list_cases(far).await.expect_err("lies ahead");
        assert_eq!(
            (far.code(), reason(&far).as_str()),
            (Code::OutOfRange, "AS_OF_IN_FUTURE")
        );

        let mut unnamed = v1::case_service_client::CaseServiceClient::new(server.connect().await);
        let unnamed = unnamed.list_cases(list("", "")).await.expect_err("nobody asks");
        assert_eq!(unnamed.code(), Code::Unauthenticated);
        let mut clock = server.clients("clock", "SYSTEM").await;
        let clock = clock
            .cases
            .list_cases(list("", ""))
            .await
            .expect_err("nobody is the system");
        assert_eq!(clock.code(), Code::Unauthenticated);

        let registered = clients
            .cases
            .list_cases(list("", ""))
            .await
            .expect("lists")
            .into_inner();
        // Only the order of c3, with its number's claim and the key that seals it, was written since.
        assert_eq!(registered.position, head + 3);
    });
}
