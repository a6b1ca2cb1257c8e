//! Points that rest on nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, Finding, Told};
use crate::points::PointsEvent;

/// Awards by hand, and awards for what was voided since, of one account; those that were reversed are left out. `voided` names
/// the events as awards do: `case-<id>/<revision>`.
pub fn without_basis(account: &[Told<PointsEvent>], voided: &BTreeSet<String>, asked: &Asked<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<u32, Finding> = BTreeMap::new();
    for told in account {
        match &told.event {
            PointsEvent::PointsAwarded(fact) if asked.holds(fact.on) => {
                let detail = match &fact.basis {
                    None => "MANUAL",
                    Some(basis) if voided.contains(basis) => "BASIS_VOID",
                    Some(_) => continue,
                };
                let mut finding = Finding::new(fact.on, Some(fact.on), asked).by(&told.actor);
                finding.second.clone_from(&fact.approved_by);
                found.insert(
                    fact.award,
                    finding.of(format!("{detail} {}", fact.amount)).at(told.position),
                );
            }
            PointsEvent::PointsAwardReversed(fact) => {
                found.remove(&fact.award);
            }
            _ => {}
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::personal::Personal;
    use crate::points::{PointsAwardReversed, PointsAwarded};
    use crate::policy::Policy;

    fn award(number: u32, basis: Option<&str>) -> PointsEvent {
        PointsEvent::from(PointsAwarded {
            award: number,
            person: "p-1".into(),
            on: date(2026, 3, 2),
            amount: 3,
            rule: "check_in".into(),
            basis: basis.map(str::to_owned),
            reason: Personal::default(),
            approved_by: None,
            expires_on: date(2027, 3, 2),
            source: "waystation/defaults/1".into(),
        })
    }

    #[test]
    fn awards_by_hand_and_for_what_was_voided_are_found_until_they_are_reversed() {
        let reversed = PointsAwardReversed {
            award: 4,
            on: date(2026, 3, 3),
            amount: 3,
            written_off: 0,
            reason: Personal::default(),
        };
        let events = [
            award(1, Some("case-c1/7")),
            award(2, Some("case-c1/8")),
            award(3, None),
            award(4, None),
            reversed.into(),
        ];
        let account: Vec<_> = (1_u64..)
            .zip(events)
            .map(|(position, event)| Told {
                position,
                revision: position - 1,
                recorded_on: date(2026, 3, 2),
                actor: "worker-1".into(),
                by_clock: false,
                event,
            })
            .collect();
        let policy = Policy::shipped("station-qinglongshan");
        let asked = Asked {
            from: date(2026, 1, 1),
            to: date(2026, 3, 31),
            policy: &policy,
        };
        let found = without_basis(&account, &["case-c1/8".to_owned()].into(), &asked);
        let details: Vec<_> = found.iter().map(|one| one.detail.as_str()).collect();
        assert_eq!(details, ["BASIS_VOID 3", "MANUAL 3"]);
    }
}
