//! One person, one file (一人一档).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, CaseFileOpened};
use super::rules::{check_actor, check_day_from, check_stage, check_text};
use super::stage::Stage;
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records that the paper file was opened.
#[derive(Clone, Debug, Serialize)]
pub struct OpenCaseFile {
    /// Day of opening.
    pub on: Date,
    /// File number.
    pub file_no: String,
}

impl Command for OpenCaseFile {
    type Aggregate = Case;
    const NAME: &'static str = "OpenCaseFile";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(
            case,
            &[
                Stage::Reported,
                Stage::Active,
                Stage::TransferPending,
                Stage::BreachReferred,
                Stage::RelapseReferred,
                Stage::Suspended,
            ],
        )?;
        check_day_from("on", self.on, case.reported_on, context)?;
        check_text("file_no", &self.file_no)?;
        if case.file_open {
            return Err(Reason::FileAlreadyOpen.into());
        }
        Ok(vec![
            CaseFileOpened {
                on: self.on,
                file_no: (&self.file_no).into(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::reported;
    use jiff::civil::date;

    #[test]
    fn a_file_is_opened_once() {
        let open = OpenCaseFile {
            on: date(2026, 3, 2),
            file_no: "2026-001".into(),
        };
        assert_eq!(reported().then(&open).reason(&open), Reason::FileAlreadyOpen);
    }
}
