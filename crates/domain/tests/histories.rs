//! Any history of a case, against a calculation on paper: the end of the term, every test that was due, and every counter come
//! out as somebody with a calendar and a pencil would have them.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use waystation_domain::case::absence::counted;
use waystation_domain::case::drug_test::refused;
use waystation_domain::case::what_if::History;
use waystation_domain::case::*;
use waystation_domain::{Aggregate, Command, Context, Policy, Principal, Role};

const STATION: &str = "station-qinglongshan";
const ELSEWHERE: &str = "station-weicheng";

/// What happens on a day.
#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(i32),
    Test,
    LateTest(i32),
    Suspend,
    Resume,
    Absence(i32),
    ConfirmAbsence(usize),
    WithdrawAbsence(usize),
    Excuse(usize),
    Refuse,
    ConfirmRefusal(usize),
    WithdrawRefusal(usize),
    Void(usize),
    Move,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40_i32).prop_map(Step::Wait),
        3 => Just(Step::Test),
        1 => (1..70_i32).prop_map(Step::LateTest),
        1 => Just(Step::Suspend),
        2 => Just(Step::Resume),
        2 => (3..20_i32).prop_map(Step::Absence),
        2 => (0..8_usize).prop_map(Step::ConfirmAbsence),
        1 => (0..8_usize).prop_map(Step::WithdrawAbsence),
        1 => (0..8_usize).prop_map(Step::Excuse),
        1 => Just(Step::Refuse),
        1 => (0..8_usize).prop_map(Step::ConfirmRefusal),
        1 => (0..8_usize).prop_map(Step::WithdrawRefusal),
        2 => (0..12_usize).prop_map(Step::Void),
        1 => Just(Step::Move),
    ]
}

/// A case, told what happens; and everything that was recorded.
struct Told {
    case: Case,
    history: History,
    events: Vec<CaseEvent>,
    today: Date,
    policy: Policy,
}

impl Told {
    fn tell<C: Command<Aggregate = Case>>(&mut self, command: &C, id: &str, role: Role) -> bool {
        let actor = Principal {
            id: id.into(),
            role,
            station: match self.case.station.as_str() {
                "" => STATION.into(),
                station => station.into(),
            },
        };
        self.tell_as(command, &actor)
    }

    fn tell_as<C: Command<Aggregate = Case>>(&mut self, command: &C, actor: &Principal) -> bool {
        let context = Context {
            today: self.today,
            actor,
            policy: &self.policy,
        };
        let Ok(events) = command.decide(&self.case, &context) else {
            return false;
        };
        for event in &events {
            self.case.evolve(event);
            self.history.evolve(event);
        }
        self.events.extend(events);
        true
    }

    fn worker<C: Command<Aggregate = Case>>(&mut self, command: &C) -> bool {
        self.tell(command, "worker-1", Role::CaseWorker)
    }

    fn leader<C: Command<Aggregate = Case>>(&mut self, command: &C) -> bool {
        self.tell(command, "leader-1", Role::Supervisor)
    }

    /// To the other of two stations; whether the case went.
    fn moves(&mut self) -> bool {
        let on = self.today;
        let other = if self.case.station == STATION {
            ELSEWHERE
        } else {
            STATION
        };
        let there = Principal {
            id: "leader-2".into(),
            role: Role::Supervisor,
            station: other.into(),
        };
        let propose = ProposeTransfer {
            on,
            to_station: other.into(),
            reason: "迁移".into(),
        };
        let documents = vec!["AGREEMENT".into()];
        let report = ReportInAfterTransfer {
            on,
            identity_checked: true,
            justification: None,
        };
        self.worker(&propose)
            && self.worker(&SendTransferMaterials { on, documents })
            && self.tell_as(&AcceptTransfer { on, effective_on: on }, &there)
            && self.tell_as(&report, &there)
            && self.sign(on)
    }

    fn sign(&mut self, on: Date) -> bool {
        let clauses = ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec();
        let agreement_no = "1".into();
        self.worker(&SignAgreement {
            on,
            agreement_no,
            clauses,
        })
    }

    /// A notice and its sample; whether both were taken.
    fn test(&mut self, on: Date) -> bool {
        let due_on = on;
        let (test, mode) = (self.case.tests.len() as u32 + 1, NoticeMode::Hand);
        self.worker(&ServeTestNotice { on, due_on, mode })
            && self.worker(&RecordSample {
                test,
                on,
                kind: SampleKind::Urine,
                site: SampleSite::Station,
                collectors: vec!["worker-1".into(), "medical-1".into()],
                same_gender: true,
                hair: None,
            })
    }

    fn begin(start: Date) -> Self {
        let mut told = Told {
            case: Case::default(),
            history: History::default(),
            events: Vec::new(),
            today: start,
            policy: Policy::shipped(STATION),
        };
        let order = RegisterOrder {
            person: "p-1".into(),
            programme: Programme::CommunityDetox,
            order_no: "1".into(),
            authority: "PSB".into(),
            decided_on: start,
            notified_on: start,
            term_months: 36,
            offset_days: 0,
            place_basis: PlaceBasis::Household,
            release_no: None,
        };
        assert!(told.worker(&order) && told.worker(&RecordService { on: start }));
        let report = ReportIn {
            on: start,
            identity_checked: true,
            justification: None,
        };
        assert!(told.worker(&report));
        assert!(told.sign(start));
        told
    }
}

/// The same on paper.
#[derive(Default)]
struct Paper {
    /// First and last day of every time it ran; the last goes on.
    ran: Vec<(Date, Option<Date>)>,
    /// Tests with the days on which a sample was taken, and how many times it had run when that was recorded.
    samples: Vec<(u32, Date, usize)>,
    suspended_days: i32,
    /// First and last day, and whether each absence counts.
    absences: Vec<(Date, Date, bool)>,
    /// Whether each refused test counts, by number.
    refusals: Vec<(u32, bool)>,
}

impl Paper {
    /// Windows that begun by a day, month by month on the wall: 12 in the first year, 6 in the second, 4 in the third.
    fn windows(&self, start: Date, today: Date) -> Vec<(Date, Date)> {
        let mut windows = Vec::new();
        for (run, (first, last)) in self.ran.iter().enumerate() {
            let mut month = start.first_of_month();
            for index in 0..36 {
                let span = [1, 2, 3][index / 12];
                if index % span == 0 {
                    let (from, to) = (month, (month + (span as i32 - 1).months()).last_of_month());
                    let begins = from.max(*first);
                    let whole = last.is_none_or(|last| to <= last);
                    // What was done before it was cut short was due.
                    let mut samples = self.samples.iter();
                    let done = samples.any(|(_, on, at)| *at == run + 1 && begins <= *on && *on <= to);
                    if begins <= to && begins <= today && (whole || done) {
                        windows.push((begins, to));
                    }
                }
                month += 1.month();
            }
        }
        windows
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_history_comes_out_as_on_paper(
        offset in 0..700_i32,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let start = date(2018, 1, 1) + offset.days();
        let mut told = Told::begin(start);
        let mut paper = Paper { ran: vec![(start, None)], ..Paper::default() };
        for step in steps {
            let today = told.today;
            match step {
                Step::Wait(days) => {
                    if (start.until(today).map_or(0, |span| span.get_days())) + days < 1_000 {
                        told.today = today + days.days();
                        let reviewed = told.tell(&Review {}, "clock", Role::System);
                    prop_assert!(reviewed);
                    }
                }
                Step::Test | Step::LateTest(_) => {
                    let late = if let Step::LateTest(days) = step { days } else { 0 };
                    let on = today - late.days();
                    if told.test(on) {
                        paper.samples.push((told.case.tests.len() as u32, on, paper.ran.len()));
                    }
                }
                Step::Suspend => {
                    let (cause, document_no) = (SuspensionCause::Detained, "1".into());
                    if told.worker(&Suspend { from: today, cause, document_no }) {
                        paper.ran.last_mut().expect("began").1 = Some(today - 1.day());
                    }
                }
                Step::Resume => {
                    if told.worker(&Resume { on: today, document_no: "1".into() }) {
                        let last = paper.ran.last().and_then(|ran| ran.1).expect("was suspended") + 1.day();
                        paper.suspended_days += last.until(today).expect("is near").get_days();
                        paper.ran.push((today, None));
                    }
                }
                Step::Absence(days) => {
                    let from = today - days.days();
                    let allege = AllegeAbsence { from, to: today, how_known: "见闻".into() };
                    if told.worker(&allege) {
                        paper.absences.push((from, today, false));
                    }
                }
                Step::ConfirmAbsence(index) => {
                    if told.leader(&ConfirmAbsence { absence: index as u32 + 1 }) {
                        paper.absences[index].2 = true;
                    }
                }
                Step::WithdrawAbsence(index) => {
                    let reason = "住院".into();
                    if told.leader(&WithdrawAbsence { absence: index as u32 + 1, reason }) {
                        paper.absences[index].2 = false;
                    }
                }
                Step::Excuse(index) => {
                    let mut missed = told.case.obligations.iter();
                    let missed = missed.by_ref().filter(|owed| owed.past_due && owed.kind == ObligationKind::UrineTest);
                    if let Some(obligation) = missed.map(|owed| owed.number).nth(index) {
                        let reason = "住院".into();
                        let excused = told.leader(&ExcuseObligation { obligation, reason });
                        prop_assert!(excused);
                    }
                }
                Step::Void(index) => {
                    let test = index as u32 + 1;
                    let propose = ProposeTestVoid { test, reason: "登记错人".into() };
                    if told.worker(&propose) && told.leader(&ConfirmTestVoid { test }) {
                        paper.samples.retain(|(number, ..)| *number != test);
                        paper.refusals.retain(|(number, _)| *number != test);
                    }
                }
                Step::Move => {
                    if told.case.stage == Stage::Active {
                        let moved = told.moves();
                        prop_assert!(moved);
                    }
                }
                Step::Refuse => {
                    let test = told.case.tests.len() as u32 + 1;
                    let notice = ServeTestNotice { on: today, due_on: today, mode: NoticeMode::Hand };
                    let refusal = RecordTestRefusal { test, on: today, evaded: false, facts: "拒绝".into() };
                    if told.worker(&notice) && told.worker(&refusal) {
                        paper.refusals.push((test, false));
                    }
                }
                Step::ConfirmRefusal(index) => {
                    if let Some((test, counts)) = paper.refusals.get_mut(index)
                        && told.leader(&ConfirmTestRefusal { test: *test })
                    {
                        *counts = true;
                    }
                }
                Step::WithdrawRefusal(index) => {
                    if let Some((test, counts)) = paper.refusals.get_mut(index) {
                        let reason = "住院".into();
                        if told.leader(&WithdrawTestRefusal { test: *test, reason }) {
                            *counts = false;
                        }
                    }
                }
            }
        }
        told.tell(&Review {}, "clock", Role::System);

        let end = start + 36.months() + paper.suspended_days.days();
        prop_assert_eq!(told.case.term_end, Some(end));

        let days: i32 = paper.absences.iter().filter(|absence| absence.2)
            .map(|(from, to, _)| from.until(*to).expect("is near").get_days() + 1).sum();
        let ours = counted(&told.case);
        prop_assert_eq!(ours.len(), paper.absences.iter().filter(|absence| absence.2).count());
        prop_assert_eq!(ours.iter().map(|(_, days)| days).sum::<i32>(), days);
        let refusals: Vec<u32> = paper.refusals.iter().filter(|(_, counts)| *counts).map(|(test, _)| *test).collect();
        prop_assert_eq!(refused(&told.case), refusals);

        // What the log says was due, without what a suspension took back.
        let taken_back: BTreeSet<u32> = told.events.iter().filter_map(|event| match event {
            CaseEvent::ObligationCancelled(fact) => Some(fact.number),
            _ => None,
        }).collect();
        let due: Vec<(Date, Date)> = told.events.iter().filter_map(|event| match event {
            CaseEvent::ObligationOpened(fact) if fact.kind == ObligationKind::UrineTest
                && fact.window_from <= told.today && !taken_back.contains(&fact.number) =>
                Some((fact.window_from, fact.window_to)),
            _ => None,
        }).collect();
        let mut wanted = paper.windows(start, told.today);
        wanted.retain(|(from, _)| *from < start.first_of_month() + 36.months());
        prop_assert_eq!(&due, &wanted);
        let tried = told.history.windows(&told.policy);
        let tried: Vec<(Date, Date)> = tried.iter().map(|window| (window.from, window.to))
            .filter(|(from, _)| *from <= told.today).collect();
        prop_assert_eq!(&tried, &wanted, "what a simulation under the packs in force says");
        // What the log says was missed.
        let met: BTreeSet<u32> = told.events.iter().filter_map(|event| match event {
            CaseEvent::ObligationFulfilled(fact) => Some(fact.number),
            CaseEvent::ObligationExcused(fact) => Some(fact.number),
            _ => None,
        }).collect();
        let reopened: BTreeSet<u32> = told.case.obligations.iter().map(|owed| owed.number).collect();
        let met: BTreeSet<u32> = met.difference(&reopened).copied().collect();
        let missed = told.events.iter().filter(|event| match event {
            CaseEvent::ObligationOpened(fact) => fact.kind == ObligationKind::UrineTest
                && fact.window_to < told.today && !taken_back.contains(&fact.number) && !met.contains(&fact.number),
            _ => false,
        }).count();
        let standing = told.history.standing(told.today, &told.policy).expect("is in force");
        prop_assert_eq!(standing.missed as usize, missed);
        prop_assert_eq!(standing.due as usize, due.len());
    }
}
