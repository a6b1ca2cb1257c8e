//! A support team is formed, or formed anew.

use jiff::civil::Date;
use serde::Serialize;

use super::{SupportTeamFormed, TeamMember};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_code, check_day_from, check_open};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most members of one team.
const MEMBERS_MAX: usize = 20;

/// Forms a team: the whole of it, from a day on, in the place of any earlier one. A team that lacks a place is recorded as it
/// is; what it lacks is found by who looks for it.
#[derive(Clone, Debug, Serialize)]
pub struct FormSupportTeam {
    /// First day.
    pub from: Date,
    /// 1 to 20 members.
    pub members: Vec<TeamMember>,
}

impl Command for FormSupportTeam {
    type Aggregate = Case;
    const NAME: &'static str = "FormSupportTeam";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_open(case)?;
        check_day_from("from", self.from, case.reported_on.or(case.notified_on), context)?;
        if self.members.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "members"));
        }
        if self.members.len() > MEMBERS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "members").with("expected", "at most 20"));
        }
        for staff in self.members.iter().filter_map(|member| member.staff.as_ref()) {
            check_code("members", staff)?;
        }
        Ok(vec![
            SupportTeamFormed {
                from: self.from,
                members: self.members.clone(),
            }
            .into(),
        ])
    }
}
