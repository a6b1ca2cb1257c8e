//! When sessions and accounts end by themselves, and when somebody who failed too often may try again.

use std::sync::Arc;

use waystation_app::{App, AppError, AppOptions, Clock, Envelope, ManualClock};
use waystation_domain::account::CreateAccount;
use waystation_domain::{Channel, Principal, Role, calendar};
use waystation_storage::testing::on_both;

const MINUTE_US: i64 = 60_000_000;
const PASSWORD: &str = "a password of some length";

#[test]
fn sessions_and_accounts_end_when_they_must() {
    on_both(|database| async move {
        let morning = calendar::start_of("2026-03-02".parse().expect("is a date"));
        let clock = Arc::new(ManualClock::at(morning));
        let options = AppOptions {
            keys: None,
            keyring: Default::default(),
            database: database.url.clone(),
            migrate: true,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let app = App::open(options).await.expect("opens");
        let envelope = |id: &str, role| {
            let principal = Principal {
                id: id.into(),
                role,
                station: "station-a".into(),
            };
            Envelope::of(principal, Channel::Api)
        };
        let security = envelope("security-1", Role::SecurityAdmin);
        let command = CreateAccount {
            role: Role::CaseWorker,
            station: "station-a".into(),
            until: None,
        };
        let made = app.create_account("worker-1", &command, &security);
        made.await.expect("is made");
        let own = envelope("worker-1", Role::CaseWorker);
        app.set_password(&own, "", PASSWORD).await.expect("is set");
        let begin = async || {
            let session = app
                .log_in("worker-1", PASSWORD, "")
                .await
                .expect("is judged")
                .expect("is right");
            session.token.to_string()
        };
        let holds = async |secret: &str| {
            let (id, proof) = waystation_app::parse_token(secret).expect("is a token");
            app.identified(&id, proof).await.expect("is judged").is_some()
        };

        let idle = begin().await;
        clock.set(morning + 29 * MINUTE_US);
        assert!(holds(&idle).await);
        clock.set(morning + (29 + 30) * MINUTE_US);
        assert!(!holds(&idle).await, "half an hour after its last call");
        let at = morning + 60 * MINUTE_US;
        clock.set(at);
        let busy = begin().await;
        for quarter in 1..48 {
            clock.set(at + quarter * 15 * MINUTE_US);
            assert!(holds(&busy).await, "{quarter}");
        }
        clock.set(at + 12 * 60 * MINUTE_US);
        assert!(!holds(&busy).await, "half a day after it began");

        let now = at + 13 * 60 * MINUTE_US;
        clock.set(now);
        for _ in 0..5 {
            assert!(app.log_in("worker-1", "wrong", "").await.expect("is judged").is_none());
        }
        let waits = async || match app.log_in("worker-1", PASSWORD, "").await {
            Err(AppError::TooManyAttempts { until_us }) => Some(until_us),
            other => other
                .map(|session| assert!(session.is_some()))
                .map(|()| None)
                .expect("is judged"),
        };
        assert_eq!(waits().await, Some(now + 15 * MINUTE_US));
        clock.set(now + 15 * MINUTE_US - 1);
        assert!(waits().await.is_some());
        clock.set(now + 15 * MINUTE_US);
        assert_eq!(waits().await, None);

        // An inspector's account ends with a day, and its token with it.
        let inspector = CreateAccount {
            role: Role::Inspector,
            ..command
        };
        let made = app.create_account("inspector-1", &inspector, &security).await;
        let token = made.expect("is made");
        let day = 24 * 60 * MINUTE_US;
        let last = calendar::start_of("2026-06-01".parse().expect("is a date"));
        clock.set(last - 1);
        assert!(holds(&token).await, "on its ninetieth day");
        clock.set(last);
        assert!(!holds(&token).await, "on the day after");
        clock.set(last + 365 * day);
        assert!(!holds(&token).await);
        app.close().await;
    });
}
