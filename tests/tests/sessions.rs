//! Logging in: passwords, second factors, sessions, and what ends them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use totp_rs::Totp;
use waystation_api::v1;
use waystation_api::v1::case_service_client::CaseServiceClient;
use waystation_api::v1::session_service_client::SessionServiceClient;
use waystation_storage::testing::on_both;
use waystation_tests::people::reason;
use waystation_tests::{Bearing, SECURE, STATION, Server, account, run};

const PASSWORD: &str = "知止而后有定定而后能静静而后能安";
const OTHER: &str = "correct horse battery staple";

type Sessions = SessionServiceClient<InterceptedService<Channel, Bearing>>;

fn as_whom(channel: &Channel, authorization: &str) -> Sessions {
    SessionServiceClient::with_interceptor(channel.clone(), Bearing::new(authorization))
}

async fn log_in(channel: &Channel, account: &str, password: &str, code: &str) -> Result<String, Status> {
    let request = v1::LogInRequest {
        account: account.into(),
        password: password.into(),
        code: code.into(),
    };
    let begun = SessionServiceClient::new(channel.clone())
        .log_in(request)
        .await?
        .into_inner();
    assert!(begun.expire_time.is_some());
    Ok(format!("Bearer {}", begun.token))
}

async fn works(channel: &Channel, authorization: &str) -> Result<(), Status> {
    let request = v1::ListCasesRequest {
        station: STATION.into(),
        ..Default::default()
    };
    let mut cases = CaseServiceClient::with_interceptor(channel.clone(), Bearing::new(authorization));
    cases.list_cases(request).await.map(drop)
}

async fn set_password(sessions: &mut Sessions, old: &str, new: &str) -> Result<(), Status> {
    let request = v1::SetPasswordRequest {
        password: new.into(),
        old_password: old.into(),
    };
    sessions.set_password(request).await.map(drop)
}

#[expect(clippy::disallowed_methods, reason = "authenticators go by the machine's clock")]
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("is later")
        .as_secs()
}

#[test]
fn a_session_begins_with_a_password_and_ends_in_every_way_it_should() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let token = account(&database.url, "worker-1", "CASE_WORKER");
        account(&database.url, "worker-2", "CASE_WORKER");
        let security = account(&database.url, "security-1", "SECURITY_ADMIN");
        let mut server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        let mut own = as_whom(&channel, &token);
        let refused = log_in(&channel, "worker-1", PASSWORD, "")
            .await
            .expect_err("has no password yet");
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "LOGIN_INVALID")
        );
        for short in ["", "short", &"x".repeat(201)] {
            let refused = set_password(&mut own, "", short).await.expect_err("is refused");
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        }
        set_password(&mut own, "", PASSWORD).await.expect("is set");
        let session = log_in(&channel, "worker-1", PASSWORD, "").await.expect("begins");
        works(&channel, &session).await.expect("is somebody");
        // The same answer whatever is not right, and never what was shown.
        for (account, password) in [
            ("worker-1", OTHER),
            ("worker-2", PASSWORD),
            ("nobody", PASSWORD),
            ("", ""),
            ("a b", "x"),
        ] {
            let refused = log_in(&channel, account, password, "").await.expect_err("is refused");
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::Unauthenticated, "LOGIN_INVALID")
            );
            assert_eq!(refused.message(), "account, password or code are not right");
        }
        let secret = session.rsplit(':').next().expect("has parts");
        for wrong in [
            format!("Bearer wss:worker-2:{secret}"),
            format!("Bearer wst:worker-1:{secret}"),
            session.replace(&secret[..6], "000000"),
            "Bearer wss:worker-1".to_owned(),
            "Bearer wss::".to_owned(),
        ] {
            assert_eq!(
                works(&channel, &wrong).await.expect_err("is none").code(),
                Code::Unauthenticated,
                "{wrong}"
            );
        }
        // A restart ends no session; logging out does, and only that one.
        server.restart(&database.url);
        let channel = server.connect().await;
        works(&channel, &session).await.expect("goes on");
        let other = log_in(&channel, "worker-1", PASSWORD, "").await.expect("begins");
        as_whom(&channel, &session)
            .log_out(v1::LogOutRequest {})
            .await
            .expect("ends");
        assert_eq!(
            works(&channel, &session).await.expect_err("is over").code(),
            Code::Unauthenticated
        );
        works(&channel, &other).await.expect("is another");
        let refused = as_whom(&channel, &token).log_out(v1::LogOutRequest {}).await;
        assert_eq!(refused.expect_err("a token is no session").code(), Code::NotFound);
        // A new password takes the old one, and ends what it began.
        let mut own = as_whom(&channel, &other);
        let refused = set_password(&mut own, OTHER, OTHER)
            .await
            .expect_err("is not the old one");
        assert_eq!(refused.code(), Code::InvalidArgument);
        set_password(&mut own, PASSWORD, OTHER).await.expect("is set");
        assert_eq!(
            works(&channel, &other).await.expect_err("is over").code(),
            Code::Unauthenticated
        );
        log_in(&channel, "worker-1", PASSWORD, "").await.expect_err("was");
        // Eight at once; the ninth ends the oldest.
        let mut begun = Vec::new();
        for _ in 0..9 {
            begun.push(log_in(&channel, "worker-1", OTHER, "").await.expect("begins"));
        }
        assert!(works(&channel, &begun[0]).await.is_err());
        works(&channel, &begun[1]).await.expect("goes on");
        // Closing the account ends them all.
        let mut admin =
            v1::admin_service_client::AdminServiceClient::with_interceptor(channel.clone(), Bearing::new(&security));
        let close = v1::DisableAccountRequest {
            name: "accounts/worker-1".into(),
        };
        admin.disable_account(close).await.expect("is closed");
        assert!(works(&channel, &begun[8]).await.is_err());
        log_in(&channel, "worker-1", OTHER, "").await.expect_err("is closed");
        // Without an account there is nothing to set.
        let nobody = SessionServiceClient::new(channel.clone())
            .set_password(v1::SetPasswordRequest::default())
            .await;
        assert_eq!(nobody.expect_err("who?").code(), Code::Unauthenticated);
        drop(server);
        let listed = run(&[
            "events",
            "list",
            "--database",
            &database.url,
            "--stream",
            "account-worker-1",
            "--json",
        ]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert_eq!(listed.matches("account.credential_changed.v1").count(), 2, "{listed}");
        assert!(!listed.contains(OTHER) && !listed.contains(PASSWORD));
    });
}

#[test]
fn a_second_factor_is_asked_for_once_confirmed_and_each_code_is_taken_once() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let token = account(&database.url, "worker-1", "CASE_WORKER");
        let mut server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        let mut own = as_whom(&channel, &token);
        set_password(&mut own, "", PASSWORD).await.expect("is set");
        let begin = |password: &str| v1::BeginSecondFactorRequest {
            password: password.into(),
        };
        let refused = own
            .begin_second_factor(begin(OTHER))
            .await
            .expect_err("is not the password");
        assert_eq!(refused.code(), Code::InvalidArgument);
        let uri = own
            .begin_second_factor(begin(PASSWORD))
            .await
            .expect("is given")
            .into_inner()
            .uri;
        let totp = Totp::from_url(&uri).expect("is what authenticators read");
        log_in(&channel, "worker-1", PASSWORD, "")
            .await
            .expect("is not confirmed yet");
        // Not at the very end of a step, so that the codes below are of the steps they are meant to be.
        while seconds() % 30 > 25 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let now = seconds();
        let code = |at: u64| totp.generate(at).to_string();
        let confirm = |code: String| v1::ConfirmSecondFactorRequest { code };
        for wrong in ["", "12345", "abcdef", &code(now - 300)] {
            let refused = own.confirm_second_factor(confirm(wrong.into())).await;
            assert_eq!(refused.expect_err("is wrong").code(), Code::InvalidArgument, "{wrong}");
        }
        own.confirm_second_factor(confirm(code(now - 30)))
            .await
            .expect("is confirmed");
        for wrong in ["", &code(now - 30), "000000"] {
            let refused = log_in(&channel, "worker-1", PASSWORD, wrong)
                .await
                .expect_err("is refused");
            assert_eq!(reason(&refused), "LOGIN_INVALID", "{wrong}");
        }
        let refused = log_in(&channel, "worker-1", OTHER, &code(now))
            .await
            .expect_err("the password comes first");
        assert_eq!(reason(&refused), "LOGIN_INVALID");
        let session = log_in(&channel, "worker-1", PASSWORD, &code(now))
            .await
            .expect("both are right");
        works(&channel, &session).await.expect("is somebody");
        log_in(&channel, "worker-1", PASSWORD, &code(now))
            .await
            .expect_err("a code is taken once");
        // Guessing is stopped, even where the guess would be right; a token is another matter.
        let mut last = String::new();
        for _ in 0..6 {
            last = reason(&log_in(&channel, "worker-1", OTHER, "").await.expect_err("is wrong"));
        }
        assert_eq!(last, "TOO_MANY_ATTEMPTS");
        let refused = log_in(&channel, "worker-1", PASSWORD, &code(now + 30))
            .await
            .expect_err("has to wait");
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "TOO_MANY_ATTEMPTS")
        );
        works(&channel, &token).await.expect("a token");
        works(&channel, &session).await.expect("goes on");
        // Whoever has lost it gets rid of it at the database.
        server.kill();
        assert!(
            run(&["accounts", "reset", "--database", &database.url, "--id", "worker-1"])
                .status
                .success()
        );
        assert_eq!(
            run(&["accounts", "reset", "--database", &database.url, "--id", "nobody"])
                .status
                .code(),
            Some(4)
        );
        let server = Server::serve_with(&database.url, &[SECURE]);
        let channel = server.connect().await;
        assert!(works(&channel, &session).await.is_err(), "the session is gone too");
        set_password(&mut as_whom(&channel, &token), "", OTHER)
            .await
            .expect("begins anew");
        log_in(&channel, "worker-1", OTHER, "")
            .await
            .expect("without a second factor");
    });
}
