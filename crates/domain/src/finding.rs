//! What an inspection looks for in the history of a case. Each check is a pure function from the events to what it finds, so that
//! it can be asked of any moment; none of them judges anybody.

mod award;
mod breach;
mod ending;
mod joining;
mod moving;
mod papers;
mod plan;
mod records;
mod risk;
mod sample;
mod suspension;
mod window;

use jiff::civil::Date;

use crate::calendar::days_between;
use crate::case::CaseEvent;
use crate::policy::Policy;
use crate::rejection::Rejection;

pub use award::without_basis;
pub use records::reused;
pub use sample::{Candidate, Drawn, draw};

macro_rules! checks {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $english:literal $chinese:literal,)+) => {
        /// What is looked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Check { $($(#[doc = $doc])+ $variant,)+ }

        impl Check {
            /// All checks, in the order of their numbers in the API.
            pub const ALL: &'static [Check] = &[$(Check::$variant),+];

            /// The name in lists and on command lines.
            pub fn as_str(self) -> &'static str {
                match self { $(Check::$variant => $name,)+ }
            }

            /// What it finds, for people, in English and Chinese.
            pub fn label(self) -> (&'static str, &'static str) {
                match self { $(Check::$variant => ($english, $chinese),)+ }
            }
        }
    };
}

checks! {
    /// Recorded later than policy `backdate.free_days` after it happened; by who recorded it.
    RecordedLate "RECORDED_LATE" "recorded late" "补录",
    /// Voided, withdrawn or excused; by whom, with the second person.
    Corrected "CORRECTED" "corrected" "更正、作废或撤销",
    /// Photographs or papers that are named by more than one record.
    ReusedEvidence "REUSED_EVIDENCE" "evidence used twice" "重复使用的佐证材料",
    /// Reported late, with who accepted the reason; or not at all.
    ReportedLate "REPORTED_LATE" "reported late" "逾期报到",
    /// The agreement was signed later than policy `agreement.sign_within_days` (working days) after reporting, or is not
    /// signed.
    AgreementLate "AGREEMENT_LATE" "agreement signed late" "逾期签订协议",
    /// No support team that is whole by a template of policy, on the last day asked about.
    TeamIncomplete "TEAM_INCOMPLETE" "support team not whole" "工作小组不齐全",
    /// Nobody is in charge, on the last day asked about.
    Unassigned "UNASSIGNED" "nobody in charge" "无专干负责",
    /// A month in which the agreement bound from the first day to the last, without a meeting face to face.
    MonthWithoutMeeting "MONTH_WITHOUT_MEETING" "month without a meeting" "当月无见面谈话",
    /// The days in which a rule changed its value while a window that it had opened ran.
    PolicyChangedInWindow "POLICY_CHANGED_IN_WINDOW" "rule changed inside a window" "待办期间规则变更",
    /// A refusal was counted, and its notice was written down only after it.
    RefusalWithoutNotice "REFUSAL_WITHOUT_NOTICE" "refusal counted without a notice on record" "认定拒检时无通知记录",
    /// A threshold was reached, and the police were told later than policy `police_report.days`, or were not told.
    BreachReportedLate "BREACH_REPORTED_LATE" "breach reported late" "严重违反协议未及时报告",
    /// The police's notice came later than policy `discharge.notice_to_station_days`, or has not come.
    NoticeLate "NOTICE_LATE" "discharge notice late" "解除通知逾期",
    /// Called in, tested or met after the term had ended.
    CalledAfterEnd "CALLED_AFTER_END" "called in after the term" "期满后仍被传唤或检测",
    /// Suspensions, with their days.
    Suspensions "SUSPENSIONS" "suspended" "中止",
    /// Past due although its last day lay in a suspension.
    ChargedInSuspension "CHARGED_IN_SUSPENSION" "charged during a suspension" "中止期间仍计逾期",
    /// Materials sent to another station, and neither accepted nor rejected within policy `transfer.answer_days`.
    TransferGap "TRANSFER_GAP" "transfer without an answer" "变更执行地无人接收",
    /// A letter about dual control that was not answered within policy `dual_control.answer_days`.
    LetterUnanswered "LETTER_UNANSWERED" "letter without an answer" "双向管控未复函",
    /// Points by hand, and points for what was voided since.
    AwardWithoutBasis "AWARD_WITHOUT_BASIS" "points that rest on no record" "无依据的积分",
    /// A record that was read by whoever it is about, or by somebody close to them.
    ReadInConflict "READ_IN_CONFLICT" "read by somebody too close" "应回避人员查阅",
    /// The class of risk that was scored last, with who confirmed it or said otherwise, or that nobody has.
    RiskClasses "RISK_CLASSES" "classes of risk" "风险等级",
    /// A plan in force that was looked at again later than on the day that it says, or not yet.
    PlanReviewLate "PLAN_REVIEW_LATE" "plan reviewed late" "计划逾期未评估",
    /// The file to another station or the papers on a release went later than policy `transfer.send_working_days` or
    /// `release.docs_working_days`, where there is such a rule.
    PapersLate "PAPERS_LATE" "papers sent late" "材料逾期移送",
}

/// An event, of a case where nothing else is said, with what the log knows of it.
#[derive(Clone, Debug)]
pub struct Told<E = CaseEvent> {
    /// Place in the log.
    pub position: u64,
    /// Place in its stream.
    pub revision: u64,
    /// Day on which it was recorded.
    pub recorded_on: Date,
    /// Who recorded it.
    pub actor: String,
    /// The clock did.
    pub by_clock: bool,
    /// What.
    pub event: E,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// First day.
    pub from: Date,
    /// Last day; what came later has not happened.
    pub to: Date,
    /// The rules of the station.
    pub policy: &'a Policy,
}

impl Asked<'_> {
    fn holds(&self, day: Date) -> bool {
        self.from <= day && day <= self.to
    }
}

/// The day on which an event ended the case, if it did.
pub(crate) fn ended(event: &CaseEvent) -> Option<Date> {
    match event {
        CaseEvent::CaseTerminated(fact) => Some(fact.on),
        CaseEvent::CaseDischarged(fact) => Some(fact.issued_on),
        CaseEvent::OrderRevoked(fact) => Some(fact.effective_on),
        _ => None,
    }
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// First day of it.
    pub from: Date,
    /// Last day; none as long as it goes on.
    pub to: Option<Date>,
    /// Days of it, late or in all, as the check says.
    pub days: i32,
    /// Staff id of who did it, or was in charge.
    pub staff: Option<String>,
    /// Staff id of the second person.
    pub second: Option<String>,
    /// What of it: a code.
    pub detail: String,
    /// Places in the log of the events it rests on, oldest first.
    pub positions: Vec<u64>,
}

impl Finding {
    fn new(from: Date, to: Option<Date>, asked: &Asked<'_>) -> Self {
        Self {
            from,
            to,
            days: days_between(from, to.unwrap_or(asked.to)),
            staff: None,
            second: None,
            detail: String::new(),
            positions: Vec::new(),
        }
    }

    fn by(self, staff: &str) -> Self {
        Self {
            staff: Some(staff.to_owned()),
            ..self
        }
    }

    fn of(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// It ended after all.
    fn until(mut self, day: Option<Date>) -> Self {
        if let Some(day) = day {
            (self.to, self.days) = (Some(day), days_between(self.from, day));
        }
        self
    }

    fn at(mut self, position: u64) -> Self {
        self.positions.push(position);
        self
    }
}

/// What a check finds in a case, from its events oldest first. [`Check::ReusedEvidence`] looks at many cases (see [`reused`]),
/// [`Check::AwardWithoutBasis`] at points (see [`without_basis`]), [`Check::ReadInConflict`] at the record of readings.
///
/// # Errors
/// [`crate::Reason::PolicyNotInForce`].
pub fn find(check: Check, history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    // What came after the last day had not happened on it, however it is known.
    let happened = |told: &&Told| told.event.occurred_on().unwrap_or(told.recorded_on) <= asked.to;
    let history: Vec<Told> = history.iter().filter(happened).cloned().collect();
    let history = history.as_slice();
    match check {
        Check::RecordedLate => records::late(history, asked),
        Check::Corrected => Ok(records::corrected(history, asked)),
        Check::ReusedEvidence | Check::AwardWithoutBasis | Check::ReadInConflict => Ok(Vec::new()),
        Check::ReportedLate => Ok(joining::reported_late(history, asked)),
        Check::AgreementLate => joining::agreement_late(history, asked),
        Check::TeamIncomplete => joining::team_incomplete(history, asked),
        Check::Unassigned => Ok(joining::unassigned(history, asked)),
        Check::MonthWithoutMeeting => Ok(window::month_without_meeting(history, asked)),
        Check::PolicyChangedInWindow => Ok(window::policy_changed(history, asked)),
        Check::RefusalWithoutNotice => Ok(breach::refusal_without_notice(history, asked)),
        Check::BreachReportedLate => breach::reported_late(history, asked),
        Check::NoticeLate => Ok(ending::notice_late(history, asked)),
        Check::CalledAfterEnd => Ok(ending::called_after_end(history, asked)),
        Check::Suspensions => Ok(suspension::suspensions(history, asked)),
        Check::ChargedInSuspension => Ok(suspension::charged(history, asked)),
        Check::TransferGap => moving::transfer_gap(history, asked),
        Check::RiskClasses => Ok(risk::classes(history, asked)),
        Check::PlanReviewLate => Ok(plan::review_late(history, asked)),
        Check::PapersLate => papers::papers_late(history, asked),
        Check::LetterUnanswered => moving::letter_unanswered(history, asked),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::Case;
    use crate::case::tests::{agreement, order, report, served_on};
    use crate::kernel::{Command, Role};
    use crate::register::Entry;
    use crate::spec::{Given, given};

    /// A case, and what the log would know of it.
    pub(crate) struct Story {
        case: Given<Case>,
        today: Date,
        actor: (String, Role, String),
        pub(crate) history: Vec<Told>,
    }

    pub(super) const HERE: &str = "station-qinglongshan";

    impl Story {
        /// Served, reported and under agreement on 2026-03-02.
        pub(crate) fn active() -> Self {
            let day = date(2026, 3, 2);
            Self::reported().then(&agreement(day))
        }

        /// Served and reported on 2026-03-02.
        pub(crate) fn reported() -> Self {
            let day = date(2026, 3, 2);
            let story = Self {
                case: given::<Case>([]),
                today: day,
                actor: ("worker-1".into(), Role::CaseWorker, HERE.into()),
                history: Vec::new(),
            };
            story.then(&order()).then(&served_on(day)).then(&report(day))
        }

        pub(crate) fn on(mut self, today: Date) -> Self {
            self.today = today;
            self.case = self.case.on(today);
            self
        }

        pub(crate) fn by(self, id: &str, role: Role) -> Self {
            self.at(id, role, HERE)
        }

        pub(crate) fn at(mut self, id: &str, role: Role, station: &str) -> Self {
            self.case = self.case.at(id, role, station);
            self.actor = (id.into(), role, station.into());
            self
        }

        pub(crate) fn then<C: Command<Aggregate = Case>>(mut self, command: &C) -> Self {
            let events = self.case.when(command);
            for event in events.unwrap_or_else(|no| panic!("{}: {no}", C::NAME)) {
                self.history.push(Told {
                    position: self.history.len() as u64 + 1,
                    revision: self.history.len() as u64,
                    recorded_on: self.today,
                    actor: self.actor.0.clone(),
                    by_clock: self.actor.1 == Role::System,
                    event,
                });
            }
            self.case = self.case.then(command);
            self
        }

        /// The lines of a register, as they stand today.
        pub(crate) fn list<E: Entry>(&self) -> Vec<E> {
            E::of_case(&self.history, self.today, &Policy::shipped(HERE)).expect("is in force")
        }

        /// What a check finds from 2026 on, up to today.
        pub(crate) fn find(&self, check: Check) -> Vec<Finding> {
            self.find_under(check, &Policy::shipped(HERE))
        }

        pub(crate) fn find_under(&self, check: Check, policy: &Policy) -> Vec<Finding> {
            let asked = Asked {
                from: date(2026, 1, 1),
                to: self.today,
                policy,
            };
            find(check, &self.history, &asked).expect("is in force")
        }
    }

    #[test]
    fn in_a_case_in_which_all_is_as_it_should_be_nothing_is_found() {
        let story = Story::active();
        for check in Check::ALL {
            let expected: &[&str] = match check {
                // The station was told on 2026-02-24.
                Check::RecordedLate => &["case.order_registered.v2"],
                // Nobody has been put in charge and no team formed yet.
                Check::TeamIncomplete => &["team.template.statutory", "team.template.local"],
                Check::Unassigned => &[""],
                _ => &[],
            };
            let found = story.find(*check);
            let found: Vec<_> = found
                .iter()
                .map(|one| one.detail.split(' ').next().unwrap_or_default())
                .collect();
            assert_eq!(found, expected, "{}", check.as_str());
        }
    }

    #[test]
    fn every_check_has_a_name_of_its_own_and_both_labels() {
        let mut names: Vec<_> = Check::ALL.iter().map(|check| check.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Check::ALL.len());
        assert!(Check::ALL.iter().all(|check| !check.label().1.is_ascii()));
    }
}
