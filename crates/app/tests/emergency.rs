//! Time in emergencies: half an hour of reading, a day until the district hears of it, three of one person in a day.

use std::sync::Arc;

use waystation_app::{App, AppError, AppOptions, Clock, Envelope, ManualClock, PageRequest, ReadOptions};
use waystation_domain::person::{Emergency, RegisterPerson};
use waystation_domain::{Channel, Principal, Reason, Role, calendar};
use waystation_storage::testing::on_both;

const MINUTE_US: i64 = 60_000_000;

fn by(id: &str) -> Envelope {
    let principal = Principal {
        id: id.into(),
        role: Role::CaseWorker,
        station: "station-a".into(),
    };
    Envelope::of(principal, Channel::Api)
}

#[test]
fn it_ends_after_half_an_hour_and_is_the_districts_after_a_day() {
    // T-26
    on_both(|database| async move {
        let morning = calendar::start_of("2026-03-02".parse().expect("is a date")) + 9 * 60 * MINUTE_US;
        let clock = Arc::new(ManualClock::at(morning));
        let options = AppOptions {
            keys: None,
            keyring: Default::default(),
            database: database.url.clone(),
            migrate: true,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let app = App::open(options).await.expect("opens");
        for (id, number) in [("p-1", "11010519491231002X"), ("p-2", "110105194912310038")] {
            let person = RegisterPerson {
                name: "王小明".into(),
                id_number: number.into(),
                phone: None,
                address: None,
                household_org: "QINGZHEN".into(),
            };
            app.register_person(id, &person, &by("worker-1"))
                .await
                .expect("is registered");
        }
        let what = (Emergency::Missing, "家属报告其昨夜未归，手机关机，联系不上".to_owned());
        let helper = by("worker-2");
        let reads = |person| app.in_emergency(&helper.principal, person);
        assert!(!reads("p-1").await.expect("is asked"));
        app.break_glass("p-1", &what, &helper).await.expect("is announced");
        assert!(reads("p-1").await.expect("is asked"));
        assert!(!reads("p-2").await.expect("is asked"), "one person's record");
        clock.set(morning + 30 * MINUTE_US - 1);
        assert!(reads("p-1").await.expect("is asked"));
        clock.set(morning + 30 * MINUTE_US);
        assert!(!reads("p-1").await.expect("is asked"));

        // Three a day, whoever they are about, also when they come at once.
        let many = futures::future::join_all((0..5).map(|_| app.break_glass("p-2", &what, &helper))).await;
        let refused = many.iter().filter(|one| one.is_err()).count();
        assert_eq!(refused, 3, "{many:?}");
        let limit = |no: &AppError| matches!(no, AppError::Rejected(no) if no.reason == Reason::GlassLimit);
        assert!(many.iter().filter_map(|one| one.as_ref().err()).all(limit), "{many:?}");
        let other = app.break_glass("p-2", &what, &by("worker-3")).await;
        other.expect("it is somebody else's first");

        let overdue = async || {
            let options = ReadOptions {
                min_position: Some(app.store().log(waystation_app::LogName::Main).head().size),
                as_of: None,
            };
            let page = app
                .list_emergencies("station-a", &PageRequest::default(), options)
                .await;
            let page = page.expect("lists");
            let glasses = page.rows.iter().flat_map(|(_, person)| &person.glasses);
            glasses.filter(|glass| app.is_overdue(glass)).count()
        };
        assert_eq!(overdue().await, 0);
        clock.set(morning + 24 * 60 * MINUTE_US);
        assert_eq!(overdue().await, 1, "the first one's day is over");
        app.break_glass("p-1", &what, &helper).await.expect("a new day");
        app.close().await;
    });
}
