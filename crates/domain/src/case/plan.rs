//! The care plan of a participant (戒毒条例 17: support is planned for the person), drafted by one and approved by another, and the
//! summaries that the station owes about it where policy asks for them.

mod approve_care_plan;
mod draft_care_plan;
mod record_summary;
mod review_care_plan;

pub use approve_care_plan::ApproveCarePlan;
pub use draft_care_plan::DraftCarePlan;
pub use record_summary::RecordSummary;
pub use review_care_plan::ReviewCarePlan;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::check_registered;
use super::state::{Case, index};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// What a plan is for; coded, because what somebody needs in words is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CareGoal {
    /// Staying off drugs.
    Abstinence,
    /// Physical health.
    Health,
    /// Mood and thoughts.
    Mind,
    /// Family.
    Family,
    /// Work, or training for it.
    Work,
    /// A place to live, and a livelihood.
    Livelihood,
    /// Law and the agreement.
    Law,
}

impl CareGoal {
    /// All goals, in the order of their numbers in the API.
    pub const ALL: [CareGoal; 7] = [
        CareGoal::Abstinence,
        CareGoal::Health,
        CareGoal::Mind,
        CareGoal::Family,
        CareGoal::Work,
        CareGoal::Livelihood,
        CareGoal::Law,
    ];
}

/// What a review of a plan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanOutcome {
    /// It goes on as it is.
    Continue,
    /// Another is to be drafted.
    Adjust,
    /// What it was for is reached.
    Achieved,
}

/// What a summary is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SummaryKind {
    /// Half a year.
    HalfYear,
    /// A year of the programme.
    Annual,
}

/// A plan was drafted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarePlanDrafted {
    /// Number within the case, from 1.
    pub plan: u32,
    /// Day.
    pub on: Date,
    /// Staff id of who drafted it.
    pub by: String,
    /// What it is for, each once.
    pub goals: Vec<CareGoal>,
    /// Day by which it is looked at again.
    pub review_on: Date,
    /// What is to be done.
    #[serde(default, skip_serializing)]
    pub measures: Personal,
}

/// Somebody else approved it: it is the plan from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarePlanApproved {
    /// Which plan.
    pub plan: u32,
}

/// The plan in force was looked at again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarePlanReviewed {
    /// Which plan.
    pub plan: u32,
    /// Day.
    pub on: Date,
    /// What it came to.
    pub outcome: PlanOutcome,
    /// Day by which a plan that goes on is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
    /// What was found.
    #[serde(default, skip_serializing)]
    pub note: Personal,
}

/// The station summed up how things went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryRecorded {
    /// About what.
    pub kind: SummaryKind,
    /// Day.
    pub on: Date,
    /// The summary.
    #[serde(default, skip_serializing)]
    pub note: Personal,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// Nobody else has approved it.
    Draft,
    /// It is the plan.
    Approved,
    /// Another took its place, or its goals are reached.
    Over,
}

/// A plan of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarePlan {
    /// Day of the draft.
    pub drafted_on: Date,
    /// Who drafted it.
    pub by: String,
    /// Day by which it is looked at again.
    pub review_on: Date,
    /// How it stands.
    pub state: PlanState,
}

impl Case {
    /// How plans stand after an event.
    pub(super) fn planned(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::CarePlanDrafted(fact) => self.plans.push(CarePlan {
                drafted_on: fact.on,
                by: fact.by.clone(),
                review_on: fact.review_on,
                state: PlanState::Draft,
            }),
            CaseEvent::CarePlanApproved(fact) => {
                for (number, plan) in (1..).zip(&mut self.plans) {
                    if number == fact.plan {
                        plan.state = PlanState::Approved;
                    } else if number < fact.plan {
                        // A draft that another overtook is none any more.
                        plan.state = PlanState::Over;
                    }
                }
            }
            CaseEvent::CarePlanReviewed(fact) => {
                let Some(plan) = index(fact.plan).and_then(|at| self.plans.get_mut(at)) else {
                    return;
                };
                plan.review_on = fact.review_on.unwrap_or(plan.review_on);
                if fact.outcome == PlanOutcome::Achieved {
                    plan.state = PlanState::Over;
                }
            }
            _ => {}
        }
    }
}

/// A plan by its number, if it stands so.
fn find(case: &Case, number: u32, state: PlanState) -> Result<&CarePlan, Rejection> {
    check_registered(case)?;
    let found = index(number).and_then(|at| case.plans.get(at));
    let plan = found.ok_or_else(|| Rejection::of(Reason::PlanNotFound, "plan"))?;
    if plan.state == state {
        Ok(plan)
    } else {
        Err(Rejection::of(Reason::PlanDoesNotFit, "plan"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::case::{CancelReason, ObligationKind, Review};
    use crate::kernel::Role;
    use crate::spec::Given;

    fn draft() -> DraftCarePlan {
        DraftCarePlan {
            on: date(2026, 3, 2),
            goals: vec![CareGoal::Work, CareGoal::Abstinence],
            review_on: date(2026, 9, 1),
            measures: Some("介绍到保洁岗位".into()),
        }
    }

    fn approved() -> Given<Case> {
        let leader = active().then(&draft()).by("leader-1", Role::Supervisor);
        leader
            .then(&ApproveCarePlan { plan: 1 })
            .by("worker-1", Role::CaseWorker)
    }

    fn review(on: Date, outcome: PlanOutcome, review_on: Option<Date>) -> ReviewCarePlan {
        ReviewCarePlan {
            plan: 1,
            on,
            outcome,
            review_on,
            note: None,
        }
    }

    #[test]
    fn one_drafts_a_plan_and_another_approves_it() {
        let drafted = active().then(&draft());
        let approve = ApproveCarePlan { plan: 1 };
        assert_eq!(drafted.reason(&approve), Reason::RoleRequired);
        let same = drafted.by("worker-1", Role::Supervisor);
        assert_eq!(same.reason(&approve), Reason::SamePersonForbidden);
        let leader = same.by("leader-1", Role::Supervisor);
        assert_eq!(leader.reason(&ApproveCarePlan { plan: 2 }), Reason::PlanNotFound);
        let approved = leader.then(&approve);
        assert_eq!(approved.reason(&approve), Reason::PlanDoesNotFit);
        assert_eq!(approved.state().plans[0].state, PlanState::Approved);
    }

    #[test]
    fn a_plan_is_for_something_and_is_looked_at_again() {
        let nothing = DraftCarePlan {
            goals: Vec::new(),
            ..draft()
        };
        assert_eq!(active().reason(&nothing), Reason::ListEmpty);
        let never = DraftCarePlan {
            review_on: date(2027, 9, 1),
            ..draft()
        };
        assert_eq!(active().reason(&never), Reason::FieldInvalid);
    }

    #[test]
    fn a_plan_that_goes_on_names_its_next_review_and_one_that_is_achieved_is_over() {
        let case = approved().on(date(2026, 8, 20));
        let goes_on = review(date(2026, 8, 20), PlanOutcome::Continue, None);
        assert_eq!(case.reason(&goes_on), Reason::FieldInvalid);
        let goes_on = review(date(2026, 8, 20), PlanOutcome::Continue, Some(date(2027, 2, 1)));
        let reviewed = case.then(&goes_on);
        assert_eq!(reviewed.state().plans[0].review_on, date(2027, 2, 1));
        let achieved = review(date(2026, 8, 20), PlanOutcome::Achieved, None);
        let over = reviewed.then(&achieved);
        assert_eq!(over.reason(&achieved), Reason::PlanDoesNotFit);
        let early = review(date(2026, 3, 1), PlanOutcome::Adjust, None);
        assert_eq!(approved().reason(&early), Reason::OccurredBeforeCase);
    }

    #[test]
    fn another_plan_takes_the_place_of_the_first() {
        let twice = approved()
            .then(&draft())
            .by("leader-1", Role::Supervisor)
            .then(&ApproveCarePlan { plan: 2 });
        let states: Vec<PlanState> = twice.state().plans.iter().map(|plan| plan.state).collect();
        assert_eq!(states, [PlanState::Over, PlanState::Approved]);
    }

    #[test]
    fn a_station_that_set_half_years_owes_a_summary_of_each_and_one_that_did_not_owes_none() {
        let kind = ObligationKind::HalfYearSummary;
        assert_eq!(active().state().open(kind), None);
        let owing = crate::case::tests::reported()
            .under(&[("summary.every_months", "6")])
            .then(&crate::case::tests::agreement(date(2026, 3, 2)));
        let first = owing.state().open(kind).expect("is owed");
        assert_eq!(
            (first.window_from, first.window_to),
            (date(2026, 3, 2), date(2026, 9, 1))
        );
        let summary = RecordSummary {
            kind: SummaryKind::HalfYear,
            on: date(2026, 8, 28),
            note: "按时检测，已就业".into(),
        };
        let met = owing.clone().on(date(2026, 8, 28)).then(&summary);
        let next = met.state().open(kind).expect("the next half year");
        assert_eq!((next.window_from, next.window_to), (date(2026, 9, 2), date(2027, 3, 1)));
        let late = owing.by("clock", Role::System).on(date(2026, 9, 2)).then(&Review {});
        let passed: Vec<bool> = late
            .state()
            .obligations
            .iter()
            .filter(|owed| owed.kind == kind)
            .map(|owed| owed.past_due)
            .collect();
        assert_eq!(passed, [true, false]);
        let afterwards = RecordSummary {
            on: date(2026, 9, 5),
            ..summary.clone()
        };
        let written = late
            .clone()
            .by("worker-1", Role::CaseWorker)
            .on(date(2026, 9, 5))
            .then(&afterwards);
        let open = written.state().obligations.iter().filter(|owed| owed.kind == kind);
        assert_eq!(open.count(), 1, "the late one is met, the next is still owed");
        let suspended = late
            .by("worker-1", Role::CaseWorker)
            .when(&crate::case::tests::suspend(date(2026, 9, 2)))
            .expect("is suspended");
        let cancelled = suspended.iter().any(|event| {
            matches!(event, CaseEvent::ObligationCancelled(fact) if fact.reason == CancelReason::CaseSuspended
                && fact.number == late_number(&suspended))
        });
        assert!(cancelled);
    }

    fn late_number(events: &[CaseEvent]) -> u32 {
        let cancelled = events.iter().filter_map(|event| match event {
            CaseEvent::ObligationCancelled(fact) => Some(fact.number),
            _ => None,
        });
        cancelled.max().unwrap_or_default()
    }

    #[test]
    fn what_a_station_sets_later_is_owed_from_the_next_look_of_the_clock() {
        let clock = active()
            .under(&[("visit.every_months", "3")])
            .by("clock", Role::System)
            .on(date(2026, 4, 1))
            .then(&Review {});
        let visit = clock.state().open(ObligationKind::HomeVisit).expect("is owed");
        assert_eq!(
            (visit.window_from, visit.window_to),
            (date(2026, 4, 1), date(2026, 6, 1))
        );
        assert_eq!(clock.when(&Review {}), Ok(vec![]));
    }

    #[test]
    fn what_a_station_sets_later_is_owed_also_where_nothing_is_ever_late() {
        let meeting = crate::case::tests::check_in(date(2026, 3, 20));
        let met = active()
            .on(date(2026, 3, 20))
            .under(&[("summary.every_months", "6")])
            .then(&meeting);
        let summary = met.state().open(ObligationKind::HalfYearSummary).expect("is owed");
        assert_eq!(
            (summary.window_from, summary.window_to),
            (date(2026, 3, 20), date(2026, 9, 1))
        );
        // And again after it had been switched off for a while.
        let record = RecordSummary {
            kind: SummaryKind::HalfYear,
            on: date(2026, 8, 20),
            note: "按时检测".into(),
        };
        let off = met
            .on(date(2026, 8, 20))
            .under(&[("summary.every_months", "0")])
            .then(&record);
        assert_eq!(off.state().open(ObligationKind::HalfYearSummary), None);
        let clock = off
            .under(&[("summary.every_months", "6")])
            .by("clock", Role::System)
            .on(date(2026, 10, 1))
            .then(&Review {});
        let again = clock
            .state()
            .open(ObligationKind::HalfYearSummary)
            .expect("is owed again");
        assert_eq!(
            (again.window_from, again.window_to),
            (date(2026, 10, 1), date(2027, 3, 1))
        );
    }

    #[test]
    fn custody_leaves_the_look_at_a_class_of_risk_owed() {
        let scored = active()
            .under(&[("risk.review_within_working_days", "5")])
            .then(&crate::case::ScoreRisk {});
        let custody = scored.then(&crate::case::tests::suspend(date(2026, 3, 2)));
        assert!(custody.state().open(ObligationKind::RiskReview).is_some());
        assert!(custody.state().open(ObligationKind::MonthlyMeeting).is_none());
    }
}
