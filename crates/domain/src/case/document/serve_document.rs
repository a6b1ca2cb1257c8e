//! A paper reaches whom it is for.

use jiff::civil::Date;
use serde::Serialize;

use super::{DocumentServed, ServiceMode};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from, check_registered};
use crate::case::state::{Case, index};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records how a paper was served.
#[derive(Clone, Debug, Serialize)]
pub struct ServeDocument {
    /// Which.
    pub document: u32,
    /// Day.
    pub on: Date,
    /// How.
    pub mode: ServiceMode,
    /// A receipt was signed.
    pub signed: bool,
}

impl Command for ServeDocument {
    type Aggregate = Case;
    const NAME: &'static str = "ServeDocument";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_registered(case)?;
        let found = index(self.document).and_then(|at| case.documents.get(at));
        let document = found.ok_or_else(|| Rejection::of(Reason::DocumentNotFound, "document"))?;
        if document.served.is_some() {
            return Err(Rejection::of(Reason::DocumentServed, "document"));
        }
        check_day_from("on", self.on, Some(document.issued_on), context)?;
        Ok(vec![
            DocumentServed {
                document: self.document,
                on: self.on,
                mode: self.mode,
                signed: self.signed,
            }
            .into(),
        ])
    }
}
