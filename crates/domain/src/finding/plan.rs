//! Plans whose day to be looked at again passed.

use jiff::civil::Date;

use super::{Asked, Finding, Told, ended};
use crate::case::{CaseEvent, PlanOutcome};

/// The plan in force, and the day by which it is looked at again.
#[derive(Clone, Copy)]
struct InForce<'a> {
    plan: u32,
    due: Date,
    drafted: &'a Told,
    by: &'a str,
}

impl InForce<'_> {
    /// What is found when it was looked at on a day, or over then.
    fn late(&self, until: Date, reviewed: Option<&Told>, asked: &Asked<'_>) -> Option<Finding> {
        if until <= self.due || !asked.holds(self.due) {
            return None;
        }
        let finding = Finding::new(self.due, Some(until), asked).by(self.by);
        let finding = finding.at(self.drafted.position);
        Some(match reviewed {
            Some(told) => finding.of(format!("PLAN {} REVIEWED", self.plan)).at(told.position),
            None => finding.of(format!("PLAN {} NOT_REVIEWED", self.plan)),
        })
    }
}

/// Plans in force that were looked at again later than on the day that they say, or not yet. Nobody looks at one in custody, or
/// after the term.
pub(super) fn review_late(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut drafts: Vec<InForce<'_>> = Vec::new();
    let mut now: Option<InForce<'_>> = None;
    let mut suspended: Option<Date> = None;
    for told in history {
        match &told.event {
            CaseEvent::CarePlanDrafted(fact) => drafts.push(InForce {
                plan: fact.plan,
                due: fact.review_on,
                drafted: told,
                by: fact.by.as_str(),
            }),
            CaseEvent::CarePlanApproved(fact) => {
                let before = now.take();
                found.extend(before.and_then(|before| before.late(told.recorded_on, None, asked)));
                now = drafts.iter().find(|draft| draft.plan == fact.plan).copied();
            }
            CaseEvent::CarePlanReviewed(fact) => {
                let before = now.take_if(|now| now.plan == fact.plan);
                found.extend(before.and_then(|before| before.late(fact.on, Some(told), asked)));
                // Of one that is to be changed, nobody owes another look.
                let draft = drafts.iter().find(|draft| draft.plan == fact.plan);
                if let (PlanOutcome::Continue, Some(due), Some(draft)) = (fact.outcome, fact.review_on, draft) {
                    now = Some(InForce { due, ..*draft });
                }
            }
            CaseEvent::CaseSuspended(fact) => suspended = Some(fact.from),
            CaseEvent::CaseResumed(fact) => {
                let from = suspended.take().unwrap_or(fact.on);
                if let Some(now) = now.as_mut().filter(|now| now.due >= from) {
                    now.due = now.due.max(fact.on);
                }
            }
            event => {
                let over = match event {
                    CaseEvent::TermExpired(fact) => Some(fact.ended_on),
                    event => ended(event),
                };
                if let Some(over) = over {
                    let until = suspended.map_or(over, |from| from.min(over));
                    found.extend(now.take().and_then(|now| now.late(until, None, asked)));
                }
            }
        }
    }
    let until = suspended.map_or(asked.to, |from| from.min(asked.to));
    if let Some(open) = now.and_then(|now| now.late(until, None, asked)) {
        let to = suspended.and(open.to);
        found.push(Finding { to, ..open });
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::tests::suspend;
    use crate::case::{ApproveCarePlan, CareGoal, DraftCarePlan, PlanOutcome, ReviewCarePlan};
    use crate::kernel::Role;

    fn approved() -> Story {
        let draft = DraftCarePlan {
            on: date(2026, 3, 2),
            goals: vec![CareGoal::Work],
            review_on: date(2026, 4, 1),
            measures: Some("介绍到保洁岗位".into()),
        };
        let story = Story::active().then(&draft);
        story
            .by("leader-1", Role::Supervisor)
            .then(&ApproveCarePlan { plan: 1 })
    }

    fn found(story: &Story) -> Vec<(Date, Option<Date>, i32, String)> {
        let found = story.find(Check::PlanReviewLate).into_iter();
        found.map(|one| (one.from, one.to, one.days, one.detail)).collect()
    }

    #[test]
    fn a_plan_is_late_from_the_day_after_the_one_that_it_says() {
        let due = date(2026, 4, 1);
        assert!(found(&approved().on(due)).is_empty());
        let late = approved().on(date(2026, 4, 4));
        assert_eq!(found(&late), [(due, None, 3, "PLAN 1 NOT_REVIEWED".to_owned())]);
        let reviewed = late.then(&ReviewCarePlan {
            plan: 1,
            on: date(2026, 4, 3),
            outcome: PlanOutcome::Continue,
            review_on: Some(date(2026, 7, 1)),
            note: Some("已就业".into()),
        });
        let once = (due, Some(date(2026, 4, 3)), 2, "PLAN 1 REVIEWED".to_owned());
        assert_eq!(found(&reviewed), std::slice::from_ref(&once));
        let again = (date(2026, 7, 1), None, 1, "PLAN 1 NOT_REVIEWED".to_owned());
        assert_eq!(found(&reviewed.on(date(2026, 7, 2))), [once, again]);
    }

    #[test]
    fn nobody_looks_at_a_plan_in_custody() {
        let held = approved().on(date(2026, 3, 20)).then(&suspend(date(2026, 3, 20)));
        assert!(found(&held.on(date(2026, 5, 1))).is_empty());
    }

    #[test]
    fn what_is_to_be_changed_and_goes_on_after_all_is_looked_at_again() {
        let review = |outcome, review_on| ReviewCarePlan {
            plan: 1,
            on: date(2026, 4, 1),
            outcome,
            review_on,
            note: None,
        };
        let changed = approved().on(date(2026, 4, 1)).then(&review(PlanOutcome::Adjust, None));
        let changed = changed.on(date(2026, 5, 1));
        assert!(found(&changed).is_empty());
        let again = changed.then(&review(PlanOutcome::Continue, Some(date(2026, 5, 1))));
        assert_eq!(found(&again.on(date(2026, 5, 3))).len(), 1);
    }
}
