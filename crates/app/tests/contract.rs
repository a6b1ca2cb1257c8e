//! What the app promises, on both databases.

use std::sync::Arc;
use std::time::Duration;

use waystation_app::{AppError, AsOf, CaseQuery, Envelope, PageRequest, ReadOptions, Receipt};
use waystation_domain::case::{RecordService, Stage, Terminate, TerminationReason};
use waystation_domain::points::{ItemLine, RedeemPoints};
use waystation_domain::{Reason, Role};
use waystation_storage::testing::on_both;

#[path = "contract/station.rs"]
mod station;

use station::{Here, STATION, after, by, day, open, order};

#[test]
fn a_command_is_read_back_at_its_position_and_a_past_moment_stays_as_it_was() {
    on_both(|database| async move {
        let here = open(&database).await;
        let signed = here.active_case("c1").await;
        let (case, at) = here.app.get_case("c1", after(&signed)).await.expect("is there");
        assert_eq!((case.stage, case.person.as_str()), (Stage::Active, "p-c1"));
        assert!(at >= signed.position);
        let end = Terminate {
            on: day("2026-03-02"),
            reason: TerminationReason::Death,
            document_no: "d".into(),
        };
        let ended = here.app.case("c1", &end, &by(Role::Supervisor)).await.expect("ends");
        let (now, _) = here.app.get_case("c1", after(&ended)).await.expect("is there");
        assert_eq!(now.stage, Stage::Terminated);
        let then = ReadOptions {
            as_of: Some(AsOf::Position(signed.position)),
            ..after(&ended)
        };
        assert_eq!(here.app.get_case("c1", then).await.expect("is there").0, case);
        let before = ReadOptions {
            as_of: Some(AsOf::Position(0)),
            ..ReadOptions::default()
        };
        assert!(matches!(
            here.app.get_case("c1", before).await,
            Err(AppError::NotFound { .. })
        ));
        let future = ReadOptions {
            as_of: Some(AsOf::Position(ended.position + 1)),
            ..ReadOptions::default()
        };
        assert!(matches!(
            here.app.get_case("c1", future).await,
            Err(AppError::AsOfInFuture { .. })
        ));
        here.app.close().await;
    });
}

#[test]
fn a_repeated_request_gets_the_same_answer_even_when_the_rules_would_now_say_no() {
    on_both(|database| async move {
        let here = open(&database).await;
        let request = Some(waystation_app::ids::random());
        let envelope = Envelope {
            request,
            ..by(Role::CaseWorker)
        };
        let first = here.app.case("c1", &order("n1"), &envelope).await.expect("registers");
        let again = here.app.case("c1", &order("n1"), &envelope).await.expect("is answered");
        assert_eq!(
            again,
            Receipt {
                replayed: true,
                ..first.clone()
            }
        );
        let other = here.app.case("c1", &order("n2"), &envelope).await;
        assert!(matches!(other, Err(AppError::RequestReused)), "{other:?}");
        let clash = here.app.case("c2", &order("n1"), &by(Role::CaseWorker)).await;
        assert!(matches!(clash, Err(AppError::Rejected(no)) if no.reason == Reason::OrderNumberInUse));
        let stale = Envelope {
            expected_revision: Some(7),
            ..by(Role::CaseWorker)
        };
        let serve = RecordService { on: day("2026-03-02") };
        let refused = here.app.case("c1", &serve, &stale).await;
        assert!(matches!(
            refused,
            Err(AppError::RevisionMismatch {
                expected: 7,
                actual: Some(0)
            })
        ));
        let dry = Envelope {
            validate_only: true,
            ..by(Role::CaseWorker)
        };
        let preview = here.app.case("c1", &serve, &dry).await.expect("would work");
        assert_eq!((preview.revision, preview.recorded_us), (Some(2), 0));
        assert_eq!(
            here.app.store().log(waystation_app::LogName::Main).head().size,
            first.position
        );
        here.app.close().await;
    });
}

#[test]
fn the_clock_records_each_missed_meeting_once_also_after_downtime() {
    on_both(|database| async move {
        let here = open(&database).await;
        here.active_case("c1").await;
        here.today("2026-06-10");
        let events = here.app.tick().await.expect("ticks");
        assert_eq!(events, 6, "March to May past due, April to June opened");
        assert_eq!(here.app.tick().await.expect("ticks"), 0, "once");
        let head = here.app.store().log(waystation_app::LogName::Main).head().size;
        let now = ReadOptions {
            min_position: Some(head),
            as_of: None,
        };
        let query = CaseQuery {
            station: Some(STATION.into()),
            past_due: true,
            ..CaseQuery::default()
        };
        let page = here
            .app
            .list_cases(&query, &PageRequest::default(), now)
            .await
            .expect("lists");
        assert_eq!(page.rows[0].1.past_due(), 3);
        here.app.close().await;
        let again = open(&database).await;
        again.today("2026-06-11");
        assert_eq!(again.app.tick().await.expect("ticks"), 0, "also after a restart");
        again.app.close().await;
    });
}

#[test]
fn views_equal_their_replay_at_any_position_before_and_after_a_rebuild() {
    on_both(|database| async move {
        let here = open(&database).await;
        for number in 0..12 {
            let id = format!("c{number}");
            let signed = here.active_case(&id).await;
            here.check_in(&id, "2026-03-02").await.expect("is recorded");
            let revision = signed.revision.expect("exists") + 1;
            let awarded = here.award(&id, revision).await.expect("is awarded");
            assert!(matches!(
                here.award(&id, revision).await,
                Err(AppError::Rejected(no)) if no.reason == Reason::AlreadyAwarded
            ));
            let line = ItemLine {
                sku: "soap".into(),
                kind: "DAILY".into(),
                quantity: 1,
                points: 2,
            };
            let spend = RedeemPoints {
                on: day("2026-03-02"),
                lines: vec![line],
            };
            let person = format!("p-{id}");
            here.app
                .points(&person, &spend, &by(Role::StoreKeeper))
                .await
                .expect("is redeemed");
            let (account, _) = here.app.get_account(&person, after(&awarded)).await.expect("is there");
            assert_eq!(account.sum(), 0);
        }
        let head = here.app.store().log(waystation_app::LogName::Main).head().size;
        let everyone = CaseQuery::default();
        for round in 0..2 {
            for at in (0..=head).step_by(7).chain([head]) {
                let report = here.app.replay(None, at, |_, _| {}).await.expect("replays");
                assert_eq!((report.events, report.different), (at, 0), "{:?}", report.differences);
                let options = ReadOptions {
                    min_position: None,
                    as_of: Some(AsOf::Position(at)),
                };
                let mut page = PageRequest {
                    size: 5,
                    token: String::new(),
                };
                let mut rows = Vec::new();
                loop {
                    let piece = here.app.list_cases(&everyone, &page, options).await.expect("lists");
                    rows.extend(piece.rows);
                    page.token = piece.next;
                    if page.token.is_empty() {
                        break;
                    }
                }
                let orders = here.registered_by(at).await;
                assert_eq!(rows.len(), orders, "at {at}");
            }
            let report = here.app.verify_views(|_, _| {}).await.expect("verifies");
            assert_eq!((report.events, report.different), (head, 0), "{:?}", report.differences);
            assert!(report.compared > 100);
            if round == 0 {
                let before: Vec<_> = here.app.projections().iter().map(|view| view.live.clone()).collect();
                assert_eq!(here.app.rebuild(None).await.expect("begins").len(), before.len());
                for _ in 0..400 {
                    if here.app.projections().iter().all(|view| view.building.is_none()) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                for (view, old) in here.app.projections().iter().zip(before) {
                    let (new, old) = (view.live.as_ref().expect("answers"), old.expect("answered"));
                    assert!(new.generation > old.generation && new.position == head, "{view:?}");
                }
            }
        }
        here.app.close().await;
    });
}

impl Here {
    /// How many cases the log knows at a position.
    async fn registered_by(&self, at: u64) -> usize {
        let log = self.app.store().log(waystation_app::LogName::Main);
        let events = log
            .read_all(1, waystation_storage::Direction::Forwards, 4_096)
            .await
            .expect("reads");
        let orders = events
            .iter()
            .filter(|event| event.event_type() == "case.order_registered.v2");
        orders.filter(|event| event.position <= at).count()
    }
}

#[test]
fn a_document_changed_behind_our_back_is_named() {
    on_both(|database| async move {
        let here = open(&database).await;
        let signed = here.active_case("c1").await;
        here.app.get_case("c1", after(&signed)).await.expect("is there");
        assert_eq!(here.app.verify_views(|_, _| {}).await.expect("verifies").different, 0);
        here.app.close().await;
        // The row holds several versions; what the last one changes comes last.
        let place =
            "WHERE id = 'c1' AND from_position = (SELECT max(from_position) FROM view_document WHERE id = 'c1')";
        let sql = match database.kind {
            "sqlite" => format!(
                "UPDATE view_document SET later = unhex(substr(hex(later), 1, length(hex(later)) - 2) || '21') {place}"
            ),
            _ => format!("UPDATE view_document SET later = set_byte(later, length(later) - 1, 33) {place}"),
        };
        database.tamper("views", &sql).await.expect("is changed");
        let here = open(&database).await;
        let report = here.app.verify_views(|_, _| {}).await.expect("verifies");
        assert_eq!(report.different, 1);
        assert_eq!(
            (report.differences[0].view, report.differences[0].id.as_str()),
            ("caseload", "c1")
        );
        let head = here.app.store().log(waystation_app::LogName::Main).head().size;
        assert_eq!(
            here.app
                .replay(Some("c1"), head, |_, _| {})
                .await
                .expect("replays")
                .different,
            1
        );
        here.app.close().await;
    });
}

#[test]
fn many_at_once_on_one_case_all_land_once() {
    on_both(|database| async move {
        let here = Arc::new(open(&database).await);
        here.active_case("c1").await;
        let before = here.app.store().log(waystation_app::LogName::Main).head().size;
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let here = Arc::clone(&here);
                tokio::spawn(async move { here.check_in("c1", "2026-03-02").await })
            })
            .collect();
        for task in tasks {
            task.await.expect("runs").expect("is recorded");
        }
        let after = here.app.store().log(waystation_app::LogName::Main).head().size;
        // The first fulfils the meeting of March and opens April's.
        assert_eq!(after - before, 64 + 2);
    });
}

#[test]
fn an_event_that_does_not_read_halts_a_view_or_is_left_out_and_the_rest_goes_on() {
    on_both(|database| async move {
        let here = open(&database).await;
        let signed = here.active_case("c1").await;
        here.app.get_case("c1", after(&signed)).await.expect("is there");
        let garbage = waystation_storage::Append {
            request: None,
            category: 1,
            actor: [0; 16],
            causation: [0; 16],
            streams: vec![waystation_storage::StreamAppend {
                stream: "case-c9".into(),
                expected: waystation_storage::ExpectedRevision::NoStream,
                events: vec![waystation_storage::NewEvent {
                    sealed: Vec::new(),
                    id: [9; 16],
                    event_type: "case.from_the_future.v9".into(),
                    schema: 9,
                    content_type: "application/json",
                    metadata: "{}".into(),
                    data: "{}".into(),
                }],
            }],
        };
        let log = here.app.store().log(waystation_app::LogName::Main).clone();
        let unreadable = log.append(garbage).await.expect("is appended").last_position;
        let next = here.check_in("c1", "2026-03-02").await.expect("commands go on");
        let halted = here.app.get_case("c1", after(&next)).await;
        assert!(
            matches!(halted, Err(AppError::ProjectionHalted { view: "caseload", .. })),
            "{halted:?}"
        );
        let old = ReadOptions {
            as_of: Some(AsOf::Position(signed.position)),
            ..ReadOptions::default()
        };
        here.app
            .get_case("c1", old)
            .await
            .expect("what was folded before still answers");
        let months = here
            .app
            .station_months(STATION, &PageRequest::default(), after(&next))
            .await
            .expect("goes on");
        assert_eq!(months.rows.iter().map(|month| month.check_ins).sum::<u64>(), 1);
        let views = here.app.projections();
        let of = |name: &str| {
            views
                .iter()
                .find(|view| view.view == name)
                .and_then(|view| view.live.clone())
        };
        assert!(of("caseload").is_some_and(|live| live.position == unreadable - 1));
        assert!(of("station_months").is_some_and(|live| live.failure.contains(&unreadable.to_string())));
        here.app.close().await;
    });
}

#[test]
fn what_nobody_looks_at_is_saved_later_and_whoever_looks_sees_all_of_it() {
    /// Longer than views are kept fresh after a look.
    const SILENCE: Duration = Duration::from_millis(1_300);
    on_both(|database| async move {
        let here = open(&database).await;
        let saved = || async {
            let stored = here.app.store().views().generations().await.expect("asks");
            let of = stored.into_iter().find(|generation| generation.view == "caseload");
            of.expect("is there").position
        };
        let signed = here.active_case("c1").await;
        here.app.get_case("c1", after(&signed)).await.expect("is there");
        tokio::time::sleep(SILENCE).await;
        let begun = std::time::Instant::now();
        let first = here.check_in("c1", "2026-03-02").await.expect("is recorded");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let gathered = saved().await < first.position;
        assert!(gathered || begun.elapsed() > Duration::from_millis(1_500));
        // Those that come right behind the first are not answered with less.
        let now = || here.app.get_case("c1", ReadOptions::default());
        let (one, two, three) = tokio::join!(now(), now(), now());
        for found in [one, two, three] {
            let (case, at) = found.expect("is there");
            assert_eq!((Some(case.revision), at), (first.revision, first.position));
        }
        assert_eq!(saved().await, first.position, "what is shown is saved");
        tokio::time::sleep(SILENCE).await;
        let second = here.check_in("c1", "2026-03-02").await.expect("is recorded");
        for _ in 0..100 {
            if saved().await == second.position {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(saved().await, second.position, "nobody looked, but time passed");
        here.app.close().await;
    });
}

#[test]
fn two_processes_on_one_postgres_read_their_own_writes_and_fold_each_event_once() {
    on_both(|database| async move {
        if database.kind != "postgres" {
            // A SQLite file belongs to one process; storage tests that it refuses the second.
            return;
        }
        let (one, two) = (open(&database).await, open(&database).await);
        for number in 0..6 {
            let here = if number % 2 == 0 { &one } else { &two };
            let id = format!("c{number}");
            let signed = here.active_case(&id).await;
            here.app.get_case(&id, after(&signed)).await.expect("is there");
        }
        let last = two.check_in("c0", "2026-03-02").await.expect("sees the other's case");
        let (case, _) = one.app.get_case("c0", after(&last)).await.expect("is there");
        assert_eq!(Some(case.revision), last.revision);
        let numbers = |here: &Here| -> Vec<_> {
            here.app
                .projections()
                .iter()
                .filter_map(|view| view.live.as_ref().map(|live| live.generation))
                .collect()
        };
        let before = numbers(&two);
        one.app.rebuild(None).await.expect("begins");
        for _ in 0..100 {
            if numbers(&two).iter().zip(&before).all(|(now, then)| now > then) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(
            numbers(&two),
            numbers(&one),
            "the other process answers from what was rebuilt here"
        );
        let last = two.check_in("c1", "2026-03-02").await.expect("is recorded");
        for here in [&one, &two] {
            let (case, _) = here.app.get_case("c1", after(&last)).await.expect("is there");
            assert_eq!(Some(case.revision), last.revision);
        }
        let report = one.app.verify_views(|_, _| {}).await.expect("verifies");
        assert_eq!(report.different, 0, "{:?}", report.differences);
        one.app.close().await;
        two.app.close().await;
    });
}
