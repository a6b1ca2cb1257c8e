//! The ladder below a serious breach (禁毒法 35): heard, admonished, warned.

use jiff::civil::Date;
use serde::Serialize;

use super::{WarningIssued, WarningStep};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_day_from, check_note, check_stage, check_text};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Issues an admonition (劝诫书) or, after one, a warning (告诫书), with what the participant said to it.
#[derive(Clone, Debug, Serialize)]
pub struct IssueWarning {
    /// Day.
    pub on: Date,
    /// Which of the two.
    pub step: WarningStep,
    /// Number of the document.
    pub document_no: String,
    /// What the participant said; at most 2,000 characters.
    pub statement: Option<String>,
}

impl Command for IssueWarning {
    type Aggregate = Case;
    const NAME: &'static str = "IssueWarning";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_day_from(
            "on",
            self.on,
            case.warned.map(|(on, _)| on).or(case.agreement_on),
            context,
        )?;
        check_text("document_no", &self.document_no)?;
        if let Some(statement) = &self.statement {
            check_note("statement", statement)?;
        }
        if self.step == WarningStep::Warning && case.warned.is_none() {
            return Err(Rejection::of(Reason::NotAdmonished, "step"));
        }
        Ok(vec![
            WarningIssued {
                on: self.on,
                step: self.step,
                document_no: (&self.document_no).into(),
                statement: (&self.statement).into(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;

    #[test]
    fn an_admonition_comes_before_a_warning() {
        let issue = |step| IssueWarning {
            on: date(2026, 3, 2),
            step,
            document_no: "劝诫-1".into(),
            statement: Some("以后按时检测".into()),
        };
        assert_eq!(active().reason(&issue(WarningStep::Warning)), Reason::NotAdmonished);
        let admonished = active().then(&issue(WarningStep::Admonition));
        assert!(admonished.when(&issue(WarningStep::Warning)).is_ok());
    }
}
