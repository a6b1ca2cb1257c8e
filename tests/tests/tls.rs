//! TLS: whose certificate proves what, that a revoked one opens nothing, not even a stream that is open, and that the
//! server's own is swapped while it runs.

use std::time::Duration;

use tonic::Code;
use tonic::transport::Channel;
use waystation_api::v1;
use waystation_api::v1::case_service_client::CaseServiceClient;
use waystation_storage::testing::on_both;
use waystation_tests::authority::{Authority, Pair, connect, place};
use waystation_tests::{Bearing, SECURE, STATION, Server, account, run};

/// Longest the test waits for what a server does within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

async fn list(channel: &Channel) -> Result<(), tonic::Status> {
    let request = v1::ListCasesRequest {
        station: STATION.into(),
        ..Default::default()
    };
    CaseServiceClient::new(channel.clone())
        .list_cases(request)
        .await
        .map(drop)
}

async fn list_as(channel: &Channel, token: &str) -> Result<(), tonic::Status> {
    let request = v1::ListCasesRequest {
        station: STATION.into(),
        ..Default::default()
    };
    let mut cases = CaseServiceClient::with_interceptor(channel.clone(), Bearing::new(token));
    cases.list_cases(request).await.map(drop)
}

/// Connects and asks; a handshake that fails shows at the one or at the other.
async fn refused_at_the_handshake(server: &Server, authority: &Authority, shown: &Pair) -> bool {
    match connect(&server.address, authority, Some(shown)).await {
        Err(_) => true,
        // TLS 1.3 clients learn of it when they first read.
        Ok(channel) => list(&channel)
            .await
            .is_err_and(|refused| refused.code() != Code::Unauthenticated),
    }
}

#[test]
fn certificates_prove_accounts_and_revoked_ones_nothing() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "district-7", "SUPERVISOR");
        let worker = account(&database.url, "worker-1", "CASE_WORKER");
        let directory = tempfile::tempdir().expect("makes a directory");
        let (ours, foreign) = (Authority::new("clients of Qingzhen"), Authority::new("somebody else"));
        let site = Authority::new("servers of Qingzhen");
        let own = site.server(2);
        let path = |name: &str| directory.path().join(name).display().to_string();
        let revoke = |serials: &[u64]| place(directory.path(), "revoked.pem", &ours.revoked(serials));
        place(directory.path(), "server.pem", &own.certificate);
        place(directory.path(), "server.key", &own.key);
        place(directory.path(), "clients.pem", &ours.certificate);
        revoke(&[]);
        let (certificate, key, authorities, revoked) = (
            path("server.pem"),
            path("server.key"),
            path("clients.pem"),
            path("revoked.pem"),
        );
        let server = Server::serve_with(
            &database.url,
            &[
                SECURE,
                "--tls-cert",
                &certificate,
                "--tls-key",
                &key,
                "--client-ca",
                &authorities,
                "--client-crl",
                &revoked,
            ],
        );
        let named = |account: &str| format!("spiffe://waystation/{STATION}/{account}");
        let unauthenticated = |result: Result<(), tonic::Status>, reason: &str| {
            let refused = result.expect_err(reason);
            assert_eq!(refused.code(), Code::Unauthenticated, "{reason}: {refused}");
            let details = tonic_types::StatusExt::get_error_details(&refused);
            assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some(reason));
        };

        // In clear nothing is answered.
        let in_clear = Channel::from_shared(format!("http://{}", server.address)).expect("is a URL");
        let in_clear = in_clear.connect().await;
        assert!(match in_clear {
            Err(_) => true,
            Ok(channel) => list(&channel).await.is_err(),
        });
        // Without a certificate a token says who; with one of a device too; the certificate of an account needs none.
        let bare = connect(&server.address, &site, None).await.expect("connects");
        unauthenticated(list(&bare).await, "CREDENTIALS_MISSING");
        list_as(&bare, &worker).await.expect("a token says who");
        let device = connect(&server.address, &site, Some(&ours.client(11, "")))
            .await
            .expect("connects");
        unauthenticated(list(&device).await, "CREDENTIALS_MISSING");
        list_as(&device, &worker).await.expect("a token says who");
        let district = connect(&server.address, &site, Some(&ours.client(12, &named("district-7"))))
            .await
            .expect("connects");
        list(&district).await.expect("the certificate says who");
        unauthenticated(list_as(&district, &worker).await, "CERTIFICATE_MISMATCH");
        // Names that prove nothing.
        for (serial, uri) in [
            (21, named("nobody")),
            (22, "spiffe://waystation/station-elsewhere/district-7".to_owned()),
            (23, format!("spiffe://waystation/{STATION}/district-7/more")),
        ] {
            let channel = connect(&server.address, &site, Some(&ours.client(serial, &uri)))
                .await
                .expect("connects");
            unauthenticated(list(&channel).await, "ACCOUNT_MISSING");
        }
        let other = ours.client(24, "spiffe://elsewhere/station-qinglongshan/district-7");
        let other = connect(&server.address, &site, Some(&other)).await.expect("connects");
        unauthenticated(list(&other).await, "CREDENTIALS_MISSING");
        // Certificates that do not even connect.
        for pair in [
            foreign.client(31, &named("district-7")),
            ours.expired_client(32, &named("district-7")),
            ours.server(33),
        ] {
            assert!(refused_at_the_handshake(&server, &site, &pair).await);
        }

        // T-30: revoked while a stream is open: the stream ends, the open connection is refused, a new one does not come up.
        let watch = v1::WatchCasesRequest {
            station: STATION.into(),
            ..Default::default()
        };
        let mut cases = CaseServiceClient::new(district.clone());
        let mut open = cases.watch_cases(watch).await.expect("opens").into_inner();
        let bystander = ours.client(13, &named("district-7"));
        revoke(&[12]);
        let ended = tokio::time::timeout(PATIENCE, async {
            loop {
                match open.message().await {
                    Ok(Some(_)) => {}
                    other => return other.map(drop),
                }
            }
        });
        unauthenticated(ended.await.expect("ends in time"), "CERTIFICATE_INVALID");
        unauthenticated(list(&district).await, "CERTIFICATE_INVALID");
        assert!(refused_at_the_handshake(&server, &site, &ours.client(12, &named("district-7"))).await);
        let bystander = connect(&server.address, &site, Some(&bystander))
            .await
            .expect("others connect");
        list(&bystander).await.expect("others go on");

        // Files that do not read, or do not fit together, change nothing; others take over while connections stay.
        place(directory.path(), "revoked.pem", "nothing of the kind");
        place(directory.path(), "server.key", &site.server(3).key);
        tokio::time::sleep(Duration::from_secs(5)).await;
        connect(&server.address, &site, None)
            .await
            .expect("what was there before serves");
        unauthenticated(list(&district).await, "CERTIFICATE_INVALID");
        let next = Authority::new("servers of Qingzhen, renewed");
        let swapped = next.server(4);
        revoke(&[12]);
        place(directory.path(), "server.pem", &swapped.certificate);
        place(directory.path(), "server.key", &swapped.key);
        let swapped = tokio::time::timeout(PATIENCE, async {
            while connect(&server.address, &next, None).await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        swapped.await.expect("the new certificate is shown in time");
        assert!(
            connect(&server.address, &site, None).await.is_err(),
            "the old is not shown any more"
        );
        list_as(&bare, &worker).await.expect("an open connection goes on");
    });
}

#[test]
fn a_stream_ends_with_the_account_that_opened_it() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let security = account(&database.url, "security-1", "SECURITY_ADMIN");
        let worker = account(&database.url, "worker-1", "CASE_WORKER");
        let server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        let mut cases = CaseServiceClient::with_interceptor(channel.clone(), Bearing::new(&worker));
        let watch = v1::WatchCasesRequest {
            station: STATION.into(),
            ..Default::default()
        };
        let mut open = cases.watch_cases(watch).await.expect("opens").into_inner();
        let mut admin =
            v1::admin_service_client::AdminServiceClient::with_interceptor(channel, Bearing::new(&security));
        let close = v1::DisableAccountRequest {
            name: "accounts/worker-1".into(),
        };
        admin.disable_account(close).await.expect("is closed");
        let ended = tokio::time::timeout(PATIENCE, async {
            loop {
                match open.message().await {
                    Ok(Some(_)) => {}
                    other => return other,
                }
            }
        });
        let ended = ended.await.expect("ends in time").expect_err("with the reason");
        assert_eq!(ended.code(), Code::Unauthenticated, "{ended}");
    });
}

#[test]
fn what_does_not_serve_is_said_at_the_start() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let database = format!("sqlite:{}", directory.path().join("log.db").display());
    assert!(run(&["migrate", "--database", &database]).status.success());
    account(&database, "worker-1", "CASE_WORKER");
    let site = Authority::new("servers");
    let (one, other) = (site.server(2), site.server(3));
    let file = |name: &str, text: &str| place(directory.path(), name, text).display().to_string();
    let certificate = file("server.pem", &one.certificate);
    let (own, foreign, none) = (
        file("own.key", &one.key),
        file("other.key", &other.key),
        file("none", "x"),
    );
    let away = directory.path().join("away").display().to_string();
    let serve = |arguments: &[&str]| {
        let serve = ["serve", "--database", &database, "--listen", "127.0.0.1:0"];
        let out = run(&[&serve[..], arguments].concat());
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!said.contains("PRIVATE KEY"), "{said}");
        (out.status.code(), said)
    };
    for (arguments, says) in [
        (&["--tls-cert", &certificate, "--tls-key", &foreign][..], "TLS"),
        (&["--tls-cert", &certificate, "--tls-key", &none], "one private key"),
        (&["--tls-cert", &none, "--tls-key", &own], "certificates in PEM"),
        (&["--tls-cert", &certificate, "--tls-key", &away], "cannot be read"),
        (
            &["--tls-cert", &certificate, "--tls-key", &own, "--client-ca", &none],
            "certificates in PEM",
        ),
    ] {
        let (code, said) = serve(arguments);
        assert_eq!(code, Some(8), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    for arguments in [
        &["--tls-cert", &certificate][..],
        &["--tls-cert", &certificate, "--tls-key", &own, "--insecure"],
        &["--client-ca", &certificate],
    ] {
        assert_eq!(serve(arguments).0, Some(2), "{arguments:?}");
    }
    let (code, said) = serve(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "--listen twice: {said}");
}
