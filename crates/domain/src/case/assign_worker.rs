//! A case worker is put in charge.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::{check_actor, check_code, check_day_from, check_open};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// A case worker was put in charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerAssigned {
    /// First day in charge.
    pub from: Date,
    /// Staff id.
    pub worker: String,
}

/// Puts a worker in charge from a day on.
#[derive(Clone, Debug, Serialize)]
pub struct AssignWorker {
    /// First day in charge.
    pub from: Date,
    /// Staff id.
    pub worker: String,
}

impl Command for AssignWorker {
    type Aggregate = Case;
    const NAME: &'static str = "AssignWorker";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_open(case)?;
        check_actor(case, &[Role::Supervisor], context)?;
        check_day_from("from", self.from, case.notified_on, context)?;
        check_code("worker", &self.worker)?;
        if case.worker.as_ref() == Some(&self.worker) {
            return Ok(Vec::new());
        }
        Ok(vec![
            WorkerAssigned {
                from: self.from,
                worker: self.worker.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::reported;
    use crate::rejection::Reason;
    use jiff::civil::date;

    #[test]
    fn a_supervisor_assigns_and_saying_it_twice_changes_nothing() {
        let assign = AssignWorker {
            from: date(2026, 3, 2),
            worker: "worker-2".into(),
        };
        assert_eq!(reported().reason(&assign), Reason::RoleRequired);
        let assigned = reported().by("leader-1", Role::Supervisor).then(&assign);
        assert_eq!(assigned.when(&assign), Ok(vec![]));
    }
}
