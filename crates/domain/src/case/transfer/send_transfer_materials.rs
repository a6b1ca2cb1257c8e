//! The materials go to the other station.

use jiff::civil::Date;
use serde::Serialize;

use super::{TransferMaterialsSent, under_way};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_code, check_day_from};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most documents of one sending.
const DOCUMENTS_MAX: usize = 50;

/// Records that the materials were sent; sending again replaces nothing that was said before.
#[derive(Clone, Debug, Serialize)]
pub struct SendTransferMaterials {
    /// Day.
    pub on: Date,
    /// What was sent, as codes: 1 to 50.
    pub documents: Vec<String>,
}

impl Command for SendTransferMaterials {
    type Aggregate = Case;
    const NAME: &'static str = "SendTransferMaterials";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        let transfer = under_way(case, context)?;
        check_day_from("on", self.on, Some(transfer.proposed_on), context)?;
        if self.documents.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "documents"));
        }
        if self.documents.len() > DOCUMENTS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "documents").with("expected", "at most 50"));
        }
        for document in &self.documents {
            check_code("documents", document)?;
        }
        Ok(vec![
            TransferMaterialsSent {
                on: self.on,
                documents: self.documents.clone(),
            }
            .into(),
        ])
    }
}
