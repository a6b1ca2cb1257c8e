//! How often an account may call, search and look: what is refused, what is reported, and that a restart resets nothing.

use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_api::v1::find_people_request::By;
use waystation_api::v1::person_service_client::PersonServiceClient;
use waystation_storage::testing::on_both;
use waystation_tests::people::{get, reason, registration};
use waystation_tests::{Bearing, SECURE, Server, account, after, run};

type People = PersonServiceClient<InterceptedService<Channel, Bearing>>;

/// Searches that may find nobody in a day, and persons whose fields may be read whole in an hour.
const MISSES: usize = 30;
const REVEALS: usize = 120;

async fn people(server: &Server, token: &str) -> People {
    PersonServiceClient::with_interceptor(server.connect().await, Bearing::new(token))
}

/// The number-th number with a right check digit.
fn id_number(number: usize) -> String {
    let body = format!(
        "1101051949{:02}{:02}{:03}",
        1 + number % 12,
        1 + number % 28,
        number % 1_000
    );
    let digit = waystation_domain::person::check_digit(&body).expect("are 17 digits");
    format!("{body}{digit}")
}

async fn find(people: &mut People, number: &str) -> Result<usize, Status> {
    let by = Some(By::IdNumber(number.to_owned()));
    let found = people.find_people(v1::FindPeopleRequest { by }).await?;
    Ok(found.into_inner().names.len())
}

#[test]
fn whoever_searches_through_numbers_is_stopped_and_reported() {
    // T-28
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let (worker, other) = (
            account(&database.url, "worker-1", "CASE_WORKER"),
            account(&database.url, "worker-2", "CASE_WORKER"),
        );
        let mut server = Server::serve_with(&database.url, &[SECURE]);
        let mut curious = people(&server, &worker).await;
        let known = id_number(999);
        curious
            .register_person(registration("p-1", &known))
            .await
            .expect("is registered");
        for number in 0..MISSES / 2 {
            assert_eq!(find(&mut curious, &id_number(number)).await.expect("is answered"), 0);
        }
        assert_eq!(
            find(&mut curious, &known).await.expect("is answered"),
            1,
            "a hit is no miss"
        );
        // A restart forgets nothing: the counts are those of the access log.
        server.restart(&database.url);
        let mut curious = people(&server, &worker).await;
        for number in MISSES / 2..MISSES {
            assert_eq!(
                find(&mut curious, &id_number(number)).await.expect("is answered"),
                0,
                "{number}"
            );
        }
        for _ in 0..3 {
            // Not even what would be found: whether it is there must not show.
            for number in [&known, &id_number(500)] {
                let refused = find(&mut curious, number).await.expect_err("is refused");
                assert_eq!(
                    (refused.code(), reason(&refused).as_str()),
                    (Code::ResourceExhausted, "BUDGET_SPENT")
                );
                let details = refused.get_error_details();
                let budget = details
                    .error_info()
                    .and_then(|info| info.metadata.get("budget").cloned());
                assert_eq!(budget.as_deref(), Some("MISSES"));
                assert!(!refused.message().contains(number.as_str()), "{refused}");
            }
        }
        let mut other = people(&server, &other).await;
        assert_eq!(find(&mut other, &known).await.expect("others go on"), 1);
        drop(server);
        // Reported once, where security administrators and inspectors read.
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
        assert_eq!(listed.matches("account.budget_spent.v1").count(), 1, "{listed}");
        assert!(run(&["verify", "--database", &database.url]).status.success());
    });
}

#[test]
fn whoever_opens_everybody_is_stopped() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let leader = account(&database.url, "leader-1", "SUPERVISOR");
        let server = Server::serve_with(&database.url, &[SECURE, "--calls-per-second", "10000"]);
        let mut people = people(&server, &leader).await;
        for number in 0..=REVEALS {
            let id = format!("p-{number}");
            let registered = people.register_person(registration(&id, &id_number(number))).await;
            let receipt = registered.expect("is registered").into_inner();
            let revealed = people
                .get_person(v1::GetPersonRequest {
                    read: after(&receipt),
                    ..get(&id, true)
                })
                .await;
            match revealed {
                Ok(_) => assert!(number < REVEALS, "{number}"),
                Err(refused) => {
                    assert_eq!(
                        (number, reason(&refused).as_str()),
                        (REVEALS, "BUDGET_SPENT"),
                        "{refused}"
                    );
                }
            }
        }
        let again = people.get_person(get("p-0", true)).await;
        again.expect("somebody whose fields were read lately may be read again");
        people
            .get_person(get(&format!("p-{REVEALS}"), false))
            .await
            .expect("masked is another matter");
    });
}

#[test]
fn an_account_that_calls_too_often_waits_and_others_do_not() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let (hasty, calm) = (
            account(&database.url, "worker-1", "CASE_WORKER"),
            account(&database.url, "worker-2", "CASE_WORKER"),
        );
        let server = Server::serve_with(&database.url, &[SECURE, "--calls-per-second", "5"]);
        let mut hasty = people(&server, &hasty).await;
        let mut refused = None;
        for _ in 0..100 {
            if let Err(status) = hasty.get_person(get("nobody", false)).await
                && status.code() == Code::ResourceExhausted
            {
                refused = Some(status);
                break;
            }
        }
        let refused = refused.expect("a hundred at once are too many");
        assert_eq!(reason(&refused), "TOO_MANY_CALLS");
        let wait = refused
            .get_error_details()
            .retry_info()
            .and_then(|retry| retry.retry_delay);
        let wait = wait.expect("says how long to wait");
        let mut calm = people(&server, &calm).await;
        assert_eq!(
            calm.get_person(get("nobody", false))
                .await
                .expect_err("is not there")
                .code(),
            Code::NotFound
        );
        tokio::time::sleep(wait).await;
        assert_eq!(
            hasty
                .get_person(get("nobody", false))
                .await
                .expect_err("is not there")
                .code(),
            Code::NotFound
        );
    });
}
