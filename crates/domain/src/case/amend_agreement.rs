//! The agreement is amended: what binds from a day on.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::{LIVE, check_actor, check_day_from, check_stage, check_text};
use super::sign_agreement::check_clauses;
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// The agreement was amended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementAmended {
    /// Day of signing.
    pub on: Date,
    /// Number of the amended document.
    #[serde(default, skip_serializing)]
    pub agreement_no: Personal,
    /// Codes of every clause that binds from then on.
    pub clauses: Vec<String>,
}

/// Records the agreement as both sides amended it. What is owed comes from policy and goes on; an agreement with another station
/// after a transfer is signed (`SignAgreement`).
#[derive(Clone, Debug, Serialize)]
pub struct AmendAgreement {
    /// Day of signing, from that of the agreement, or its last amendment, on.
    pub on: Date,
    /// Number of the amended document.
    pub agreement_no: String,
    /// Codes of every clause that binds from then on; policy says which are mandatory.
    pub clauses: Vec<String>,
}

impl Command for AmendAgreement {
    type Aggregate = Case;
    const NAME: &'static str = "AmendAgreement";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        // With the station that somebody has moved to, an agreement is signed first.
        if case
            .transfer
            .as_ref()
            .is_some_and(|transfer| transfer.reported_on.is_some())
        {
            return Err(Reason::BadState.into());
        }
        check_day_from("on", self.on, case.agreed_on, context)?;
        check_text("agreement_no", &self.agreement_no)?;
        check_clauses(&self.clauses, self.on, context)?;
        let amended = AgreementAmended {
            on: self.on,
            agreement_no: (&self.agreement_no).into(),
            clauses: self.clauses.clone(),
        };
        Ok(vec![amended.into()])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::{active, agreement, reported};

    fn amended(clauses: &[&str]) -> AmendAgreement {
        AmendAgreement {
            on: date(2026, 4, 1),
            agreement_no: "协议-1-补".into(),
            clauses: clauses.iter().map(|clause| (*clause).to_owned()).collect(),
        }
    }

    #[test]
    fn an_amendment_keeps_what_is_mandatory_and_what_is_owed() {
        // 戒毒条例 16: measures, rules and liability are part of every agreement.
        let case = active().on(date(2026, 4, 1));
        assert_eq!(case.reason(&amended(&["MEASURES", "RULES"])), Reason::ClauseMissing);
        let whole = amended(&["MEASURES", "RULES", "LIABILITY", "WORK_PLACEMENT"]);
        let events = case.when(&whole).expect("is amended");
        assert!(matches!(&events[..], [CaseEvent::AgreementAmended(_)]), "{events:?}");
    }

    #[test]
    fn there_is_an_agreement_before_it_is_amended() {
        let whole = amended(&["MEASURES", "RULES", "LIABILITY"]);
        assert_eq!(reported().on(date(2026, 4, 1)).reason(&whole), Reason::BadState);
        let early = AmendAgreement {
            on: date(2026, 3, 1),
            ..whole
        };
        let signed = reported().then(&agreement(date(2026, 3, 2))).on(date(2026, 4, 1));
        assert_eq!(signed.reason(&early), Reason::OccurredBeforeCase);
    }
}
