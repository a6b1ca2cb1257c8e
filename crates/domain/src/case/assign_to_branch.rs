//! A branch of the station takes somebody over (分流). It is no transfer: the case stays the station's.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::{check_actor, check_code, check_day_from, check_open};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// A branch of the station takes the participant over, or gives them back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchAssigned {
    /// First day there.
    pub from: Date,
    /// Code of the branch; none for the station's main place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// Sends a participant to a branch of the station from a day on, or back to its main place. A case that moves to another station
/// is at no branch there.
#[derive(Clone, Debug, Serialize)]
pub struct AssignToBranch {
    /// First day there.
    pub from: Date,
    /// Code of the branch, as a unit has it; none for the station's main place.
    pub branch: Option<String>,
}

impl Command for AssignToBranch {
    type Aggregate = Case;
    const NAME: &'static str = "AssignToBranch";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_open(case)?;
        check_actor(case, &[Role::Supervisor], context)?;
        check_day_from("from", self.from, case.notified_on, context)?;
        if let Some(branch) = &self.branch {
            check_code("branch", branch)?;
        }
        if case.branch == self.branch {
            return Ok(Vec::new());
        }
        let (from, branch) = (self.from, self.branch.clone());
        Ok(vec![BranchAssigned { from, branch }.into()])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::rejection::Reason;

    #[test]
    fn a_supervisor_sends_somebody_to_a_branch_and_back() {
        let there = AssignToBranch {
            from: date(2026, 3, 2),
            branch: Some("branch-tashan".into()),
        };
        assert_eq!(active().reason(&there), Reason::RoleRequired);
        let sent = active().by("leader-1", Role::Supervisor).then(&there);
        assert_eq!(sent.when(&there), Ok(vec![]), "saying it twice changes nothing");
        assert_eq!(sent.state().branch.as_deref(), Some("branch-tashan"));
        let back = AssignToBranch { branch: None, ..there };
        assert_eq!(sent.then(&back).state().branch, None);
    }
}
