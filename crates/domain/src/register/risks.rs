//! The board of risk classes (风险评估台账): one line a case that was ever scored and that is not over, or contested.

use jiff::civil::Date;
use serde::Serialize;

use super::Entry;
use crate::calendar::days_between;
use crate::case::{Case, CaseEvent, ObligationKind, RiskClass, RiskClassConfirmed, RiskFactor, RiskScored};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// How the risk of a case stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskEntry {
    /// The station whose case it is.
    pub station: String,
    /// Day of the last score.
    pub scored_on: Date,
    /// Days since.
    pub age_days: i32,
    /// The sum of points.
    pub score: i64,
    /// What it is made of.
    pub factors: Vec<RiskFactor>,
    /// The class that follows from the score.
    pub proposed: RiskClass,
    /// Pack of the thresholds.
    pub source: String,
    /// The class that holds: the last one that a person decided on, also when it was for an earlier score.
    pub class: Option<RiskClass>,
    /// Day on which it was decided on.
    pub decided_on: Option<Date>,
    /// Staff id of who decided.
    pub decided_by: Option<String>,
    /// It is not the one that was proposed when it was decided on.
    pub overridden: bool,
    /// Nobody has decided on the last score.
    pub undecided: bool,
    /// A decision on it is past due, where policy `risk.review_within_working_days` says by when.
    pub past_due: bool,
    /// Day on which the participant contested it, and nobody has decided since.
    pub contested_on: Option<Date>,
    /// Every class that was decided on, with its day, oldest first.
    pub classes: Vec<(Date, RiskClass)>,
    /// Places in the log of the decision that holds, of an objection to it, of the last score and of what people made of it, oldest first.
    pub positions: Vec<u64>,
}

impl RiskEntry {
    /// The class that held on a day.
    pub fn class_on(&self, day: Date) -> Option<RiskClass> {
        let until = self.classes.iter().take_while(|(on, _)| *on <= day);
        until.last().map(|(_, class)| *class)
    }
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskFilter {
    /// Only where this class holds.
    pub class: Option<RiskClass>,
    /// Only where nobody has decided on the last score.
    pub undecided: bool,
    /// Only where somebody decided otherwise than was proposed.
    pub overridden: bool,
    /// Only what the participant contests.
    pub contested: bool,
    /// Only where another class holds than on this day.
    pub moved_since: Option<Date>,
}

impl Entry for RiskEntry {
    type Filter = RiskFilter;

    fn of_case(history: &[Told], day: Date, _: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        let mut scored: Option<&RiskScored> = None;
        // The decision that holds, and the objection that nobody has answered, with their places.
        let mut decided: Option<(&RiskClassConfirmed, &Told)> = None;
        let mut contested: Option<(Date, u64)> = None;
        let (mut undecided, mut classes, mut positions) = (false, Vec::new(), Vec::new());
        for told in history {
            case.evolve(&told.event);
            match &told.event {
                CaseEvent::RiskScored(fact) => {
                    (scored, undecided) = (Some(fact), true);
                    let before = [decided.map(|(_, told)| told.position), contested.map(|(_, at)| at)];
                    positions = before.into_iter().flatten().collect();
                }
                CaseEvent::RiskClassConfirmed(fact) => {
                    (decided, undecided, contested) = (Some((fact, told)), false, None);
                    classes.push((told.recorded_on, fact.class));
                }
                CaseEvent::RiskClassContested(fact) => contested = Some((fact.on, told.position)),
                _ => continue,
            }
            positions.push(told.position);
        }
        // What is contested is answered also after the case has ended.
        let Some(scored) = scored.filter(|_| !case.stage.is_closed() || contested.is_some()) else {
            return Ok(Vec::new());
        };
        let mut owed = case.obligations.iter();
        Ok(vec![RiskEntry {
            past_due: owed.any(|owed| owed.kind == ObligationKind::RiskReview && owed.past_due),
            station: case.station,
            scored_on: scored.on,
            age_days: days_between(scored.on, day),
            score: scored.score,
            factors: scored.factors.clone(),
            proposed: scored.proposed,
            source: scored.source.clone(),
            class: decided.map(|(fact, _)| fact.class),
            decided_on: decided.map(|(_, told)| told.recorded_on),
            decided_by: decided.map(|(_, told)| told.actor.clone()),
            overridden: decided.is_some_and(|(fact, _)| fact.overridden),
            undecided,
            contested_on: contested.map(|(on, _)| on),
            classes,
            positions,
        }])
    }

    fn on(&self) -> Date {
        self.scored_on
    }

    fn number(&self) -> u64 {
        0
    }

    fn is_among(&self, filter: &RiskFilter) -> bool {
        filter.class.is_none_or(|class| self.class == Some(class))
            && (!filter.undecided || self.undecided)
            && (!filter.overridden || self.overridden)
            && (!filter.contested || self.contested_on.is_some())
            && filter.moved_since.is_none_or(|day| self.class_on(day) != self.class)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::{ConfirmRiskClass, ContestRiskClass, ScoreRisk};
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    #[test]
    fn a_class_holds_until_a_person_decides_on_another() {
        let line = |story: &Story| story.list::<RiskEntry>().remove(0);
        assert!(Story::active().list::<RiskEntry>().is_empty());
        let scored = Story::active().then(&ScoreRisk {});
        let shown = line(&scored);
        assert_eq!(
            (shown.class, shown.undecided, shown.proposed),
            (None, true, RiskClass::Low)
        );
        let decide = |class, reason: Option<&str>| ConfirmRiskClass {
            class,
            reason: reason.map(str::to_owned),
        };
        let decided = scored
            .by("leader-1", Role::Supervisor)
            .then(&decide(RiskClass::Medium, Some("家庭变故")));
        let contested = decided.then(&ContestRiskClass {
            on: date(2026, 3, 2),
            statement: "不同意".into(),
        });
        let shown = line(&contested);
        assert_eq!(
            (shown.class, shown.overridden, shown.undecided, shown.contested_on),
            (Some(RiskClass::Medium), true, false, Some(date(2026, 3, 2)))
        );
        let later = contested.on(date(2026, 4, 1)).then(&ScoreRisk {});
        let shown = line(&later);
        assert_eq!(
            (shown.class, shown.undecided, shown.contested_on, shown.age_days),
            (Some(RiskClass::Medium), true, Some(date(2026, 3, 2)), 0),
            "until somebody decides"
        );
        let moved = later.then(&decide(RiskClass::Low, None));
        let shown = line(&moved.on(date(2026, 4, 11)));
        assert_eq!(
            (shown.class, shown.age_days, shown.contested_on),
            (Some(RiskClass::Low), 10, None)
        );
        assert_eq!(
            [date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 1)].map(|day| shown.class_on(day)),
            [None, Some(RiskClass::Medium), Some(RiskClass::Low)]
        );
    }
}
