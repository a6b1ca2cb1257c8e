//! The participant is told to come for a test.

use jiff::civil::Date;
use serde::Serialize;

use super::{NoticeMode, TestNoticeServed};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_day_from, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Begins a test. Without a notice nobody can refuse one.
#[derive(Clone, Debug, Serialize)]
pub struct ServeTestNotice {
    /// Day of service.
    pub on: Date,
    /// Last day to come; at most 366 days later.
    pub due_on: Date,
    /// How.
    pub mode: NoticeMode,
}

impl Command for ServeTestNotice {
    type Aggregate = Case;
    const NAME: &'static str = "ServeTestNotice";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_span("due_on", self.on, self.due_on)?;
        if case.suspended_within(self.on, self.due_on) {
            return Err(Rejection::of(Reason::DuringSuspension, "on"));
        }
        Ok(vec![
            TestNoticeServed {
                test: case.next_test(),
                on: self.on,
                due_on: self.due_on,
                mode: self.mode,
            }
            .into(),
        ])
    }
}
