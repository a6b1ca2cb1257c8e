//! Classes of risk: by whom they were confirmed, and which were not.

use super::{Asked, Finding, Told};
use crate::case::CaseEvent;

/// The last score of a case, with what people made of it.
pub(super) fn classes(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut last: Option<Finding> = None;
    for told in history {
        match &told.event {
            CaseEvent::RiskScored(fact) => {
                let finding = Finding::new(fact.on, None, asked).by(&told.actor).at(told.position);
                last = Some(finding.of(format!(
                    "{} {} {} UNCONFIRMED",
                    fact.proposed.as_str(),
                    fact.score,
                    fact.source
                )));
            }
            CaseEvent::RiskClassConfirmed(fact) => {
                if let Some(finding) = &mut last {
                    let what = if fact.overridden { "OVERRIDDEN" } else { "CONFIRMED" };
                    let proposed = finding.detail.rsplit_once(' ').map_or("", |(proposed, _)| proposed);
                    finding.detail = format!("{proposed} {what}:{}", fact.class.as_str());
                    finding.second = Some(told.actor.clone());
                    finding.positions.push(told.position);
                }
            }
            CaseEvent::RiskClassContested(_) => {
                if let Some(finding) = &mut last {
                    let proposed = finding.detail.rsplit_once(' ').map_or("", |(proposed, _)| proposed);
                    finding.detail = format!("{proposed} CONTESTED");
                    finding.positions.push(told.position);
                }
            }
            _ => {}
        }
    }
    last.filter(|last| asked.holds(last.from)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::{ConfirmRiskClass, ContestRiskClass, RiskClass, ScoreRisk};
    use crate::kernel::Role;

    #[test]
    fn a_class_says_who_proposed_confirmed_and_contested_it() {
        let scored = Story::active().then(&ScoreRisk {});
        let detail = |story: &Story| story.find(Check::RiskClasses)[0].detail.clone();
        assert_eq!(detail(&scored), "LOW 0 waystation/defaults/1 UNCONFIRMED");
        let confirmed = scored.by("leader-1", Role::Supervisor).then(&ConfirmRiskClass {
            class: RiskClass::Medium,
            reason: Some("家庭变故".into()),
        });
        assert_eq!(detail(&confirmed), "LOW 0 waystation/defaults/1 OVERRIDDEN:MEDIUM");
        assert_eq!(
            confirmed.find(Check::RiskClasses)[0].second.as_deref(),
            Some("leader-1")
        );
        let contested = confirmed.then(&ContestRiskClass {
            on: date(2026, 3, 2),
            statement: "不同意".into(),
        });
        assert_eq!(detail(&contested), "LOW 0 waystation/defaults/1 CONTESTED");
    }
}
