//! Replay after erasure: of any history, with any of its people erased, every view is what replay makes of it, what is clear
//! is what it was, what was personal is gone for those and for nobody else, and the log only grew (T-19).

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use waystation_app::{
    Access, App, AppError, AppOptions, AsOf, CaseQuery, Clock, Envelope, FieldValue, LogName, ManualClock, PageRequest,
    Purpose, ReadOptions,
};
use waystation_domain::case::{
    PlaceBasis, Programme, RecordService, RecordTalk, RegisterOrder, ReportIn, SignAgreement, TalkTopic, Terminate,
    TerminationReason,
};
use waystation_domain::person::{Act, DecideAct, ProposeAct, RegisterPerson, Restrict, UpdateContact, VerifiedBy};
use waystation_domain::{Channel, Date, Field, FieldClass, Principal, Role, calendar};
use waystation_storage::testing::on_both;
use waystation_trust::verify_consistency;

/// Histories in one database.
const HISTORIES: usize = 6;
/// People of one history.
const PEOPLE: usize = 4;

/// One step of a history, about the person of a number.
#[derive(Clone, Debug)]
enum Step {
    Register(usize),
    Move(usize, u32),
    Order(usize),
    Advance(usize),
    Talk(usize),
    Restrict(usize),
}

fn steps() -> impl Strategy<Value = (Vec<Step>, [bool; PEOPLE])> {
    let who = 0..PEOPLE;
    let step = prop_oneof![
        3 => who.clone().prop_map(Step::Register),
        2 => (who.clone(), 0..1_000_u32).prop_map(|(who, number)| Step::Move(who, number)),
        3 => who.clone().prop_map(Step::Order),
        6 => who.clone().prop_map(Step::Advance),
        3 => who.clone().prop_map(Step::Talk),
        1 => who.prop_map(Step::Restrict),
    ];
    (prop::collection::vec(step, 20..60), prop::array::uniform(any::<bool>()))
}

/// The number-th identity number with a right check digit.
fn id_number(number: usize) -> String {
    let body = format!("11010519491231{number:03}");
    let digit = waystation_domain::person::check_digit(&body).expect("are 17 digits");
    format!("{body}{digit}")
}

fn by(role: Role) -> Envelope {
    let principal = Principal {
        id: format!("staff-{}", role.as_str()),
        role,
        station: "station-a".into(),
    };
    Envelope::of(principal, Channel::Api)
}

fn day() -> Date {
    "2026-03-02".parse().expect("is a date")
}

/// What a rule refuses is no step; anything else is a failure.
fn allowed<T>(result: Result<T, AppError>) {
    match result {
        Ok(_) | Err(AppError::Rejected(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Everything that can be read at a position: clear columns as text, and what every personal field says.
#[derive(Debug, PartialEq)]
struct Everything {
    clear: BTreeMap<String, String>,
    fields: BTreeMap<(String, u64, Field), FieldValue>,
}

/// One history's people in a log that holds others'.
struct History<'a> {
    app: &'a App,
    number: usize,
}

impl History<'_> {
    fn person(&self, who: usize) -> String {
        format!("p-{}-{who}", self.number)
    }

    fn case(&self, who: usize) -> String {
        format!("c-{}-{who}", self.number)
    }

    async fn take(&self, step: &Step) {
        let app = self.app;
        let (worker, leader) = (by(Role::CaseWorker), by(Role::Supervisor));
        let on = day();
        match step {
            Step::Register(who) => {
                let person = RegisterPerson {
                    name: format!("某人{who}"),
                    id_number: id_number(self.number * PEOPLE + who),
                    phone: Some(format!("1380013800{who}")),
                    address: Some("青龙山街道塔山1号".into()),
                    household_org: "QINGZHEN".into(),
                };
                allowed(app.register_person(&self.person(*who), &person, &worker).await);
            }
            Step::Move(who, number) => {
                let contact = UpdateContact {
                    phone: Some(format!("13900{number:06}")),
                    address: None,
                    verified_by: VerifiedBy::Call,
                };
                allowed(app.update_contact(&self.person(*who), &contact, &worker).await);
            }
            Step::Order(who) => {
                let order = RegisterOrder {
                    person: self.person(*who),
                    programme: Programme::CommunityDetox,
                    order_no: format!("决字{}号", self.case(*who)),
                    authority: "PSB".into(),
                    decided_on: on,
                    notified_on: on,
                    term_months: 36,
                    offset_days: 0,
                    place_basis: PlaceBasis::Household,
                    release_no: None,
                };
                allowed(app.case(&self.case(*who), &order, &worker).await);
            }
            Step::Advance(who) => {
                let case = self.case(*who);
                allowed(app.case(&case, &RecordService { on }, &worker).await);
                let report = ReportIn {
                    on,
                    identity_checked: true,
                    justification: None,
                };
                allowed(app.case(&case, &report, &worker).await);
                let agreement = SignAgreement {
                    on,
                    agreement_no: format!("协字{who}号"),
                    clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
                };
                allowed(app.case(&case, &agreement, &worker).await);
            }
            Step::Talk(who) => {
                let talk = RecordTalk {
                    on,
                    topics: vec![TalkTopic::Family],
                    late_reason: None,
                    evidence: Vec::new(),
                    note: Some(format!("谈话{who}")),
                };
                allowed(app.case(&self.case(*who), &talk, &worker).await);
            }
            Step::Restrict(who) => {
                let restrict = Restrict {
                    basis: "DISPUTED".into(),
                };
                allowed(app.person(&self.person(*who), &restrict, &leader).await);
            }
        }
    }

    async fn erase(&self, who: usize) {
        let (app, person) = (self.app, self.person(who));
        let end = Terminate {
            on: day(),
            reason: TerminationReason::OrderRevoked,
            document_no: "撤字1号".into(),
        };
        allowed(app.case(&self.case(who), &end, &by(Role::Supervisor)).await);
        let propose = ProposeAct {
            act: Act::Erase,
            other: None,
            basis: "PIPL-47".into(),
            reason: "本人申请".into(),
        };
        app.propose_act(&person, &propose, &by(Role::Supervisor))
            .await
            .expect("is proposed");
        let decide = DecideAct {
            proposal: 1,
            approve: true,
        };
        app.decide_act(&person, &decide, &by(Role::PrivacyOfficer))
            .await
            .expect("is decided");
    }

    async fn everything(&self, at: u64) -> Everything {
        let app = self.app;
        let head = app.store().log(LogName::Main).head().size;
        let options = ReadOptions {
            min_position: Some(head),
            as_of: Some(AsOf::Position(at)),
        };
        let (mut clear, mut places) = (BTreeMap::new(), Vec::new());
        for who in 0..PEOPLE {
            let id = self.person(who);
            if let Ok((person, _)) = app.get_person(&id, options).await {
                places.extend(
                    person
                        .places
                        .iter()
                        .map(|(field, position)| (id.clone(), *position, *field)),
                );
                clear.insert(id, format!("{person:?}"));
            }
        }
        let page = PageRequest {
            size: 100,
            token: String::new(),
        };
        let cases = app
            .list_cases(&CaseQuery::default(), &page, options)
            .await
            .expect("lists");
        let own = format!("c-{}-", self.number);
        for (id, case) in cases.rows.into_iter().filter(|(id, _)| id.starts_with(&own)) {
            places.extend(
                case.places
                    .iter()
                    .map(|(field, position)| (case.person.clone(), *position, *field)),
            );
            clear.insert(id, format!("{case:?}"));
        }
        let access = Access {
            principal: &by(Role::PrivacyOfficer).principal,
            rpc: "test",
            purpose: Purpose::SubjectRequest,
            persons: (0..PEOPLE).map(|who| self.person(who)).collect(),
            classes: FieldClass::ALL.to_vec(),
            at,
        };
        let receipt = app.record_access(access).await.expect("is on record");
        let mut fields = BTreeMap::new();
        for (person, position, field) in places {
            let value = app
                .open_field(&receipt, &person, position, field)
                .await
                .expect("is read");
            fields.insert((person, position, field), value);
        }
        Everything { clear, fields }
    }
}

#[test]
fn replay_is_whole_after_any_erasure_of_any_history() {
    on_both(|database| async move {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut erased_fields = 0;
        let clock = Arc::new(ManualClock::at(calendar::start_of(day()) + 1));
        let options = AppOptions {
            keys: None,
            keyring: Default::default(),
            database: database.url.clone(),
            migrate: true,
            clock: clock as Arc<dyn Clock>,
        };
        let app = App::open(options).await.expect("opens");
        for number in 0..HISTORIES {
            let (steps, chosen) = steps().new_tree(&mut runner).expect("is made").current();
            let history = History { app: &app, number };
            for step in &steps {
                history.take(step).await;
            }
            let log = app.store().log(LogName::Main);
            let before = log.head();
            let was = history.everything(before.size).await;
            let there = (0..PEOPLE).filter(|who| was.clear.contains_key(&history.person(*who)));
            let erased: Vec<usize> = there.filter(|who| chosen[*who]).collect();
            for who in &erased {
                history.erase(*who).await;
            }

            let is = history.everything(before.size).await;
            assert_eq!(was.clear, is.clear, "the past is what it was");
            assert_eq!(was.fields.len(), is.fields.len());
            for (place, now) in &is.fields {
                let gone = erased.iter().any(|who| place.0 == history.person(*who));
                if gone {
                    erased_fields += 1;
                    assert_eq!(now, &FieldValue::Erased, "{place:?}");
                } else {
                    assert_eq!(Some(now), was.fields.get(place), "{place:?}");
                    assert!(matches!(now, FieldValue::Open(_)), "{place:?}");
                }
            }
            let report = app.verify_views(|_, _| {}).await.expect("replays");
            assert_eq!(report.different, 0, "{:?}", report.differences);
            let after = log.head();
            let proof = log.consistency_proof(before.size, after.size).await.expect("is made");
            assert!(verify_consistency(
                before.size,
                after.size,
                &proof,
                &before.root,
                &after.root
            ));
            let verified = log.verify(|_, _| {}).await.expect("is looked at");
            assert!(verified.findings.is_empty(), "{:?}", verified.findings);
            let keys = app.verify_keys().await.expect("are looked at");
            assert!(keys.findings.is_empty(), "{:?}", keys.findings);
        }
        app.close().await;
        assert!(erased_fields > 20, "the histories erase something: {erased_fields}");
    });
}
