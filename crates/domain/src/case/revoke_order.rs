//! The order is revoked: it never bound (禁毒法 40).

use jiff::civil::Date;
use serde::Serialize;

use super::event::CaseEvent;
use super::obligation::CancelReason;
use super::order::{OrderRevoked, VariationBasis};
use super::rules::{cancel_all, check_actor, check_day_from, check_open, check_text};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Revokes the order, from a day that may be past. What was recorded stays on record; nothing is owed any more.
#[derive(Clone, Debug, Serialize)]
pub struct RevokeOrder {
    /// By whom.
    pub basis: VariationBasis,
    /// Day from which it does not hold.
    pub effective_on: Date,
    /// Number of the document.
    pub document_no: String,
}

impl Command for RevokeOrder {
    type Aggregate = Case;
    const NAME: &'static str = "RevokeOrder";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_open(case)?;
        check_day_from("effective_on", self.effective_on, case.notified_on, context)?;
        check_text("document_no", &self.document_no)?;
        let fact = OrderRevoked {
            effective_on: self.effective_on,
            basis: self.basis,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(cancel_all(case, CancelReason::CaseEnded, None));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::stage::Stage;
    use crate::case::tests::{active, check_in};
    use crate::rejection::Reason;

    #[test]
    fn a_revoked_order_leaves_the_record_and_nothing_owed() {
        let revoke = RevokeOrder {
            basis: VariationBasis::Court,
            effective_on: date(2026, 2, 25),
            document_no: "行初-1".into(),
        };
        assert_eq!(active().reason(&revoke), Reason::RoleRequired);
        let voided = active().by("leader-1", Role::Supervisor).then(&revoke);
        assert_eq!(voided.state().stage, Stage::Voided);
        assert!(voided.state().obligations.is_empty());
        assert_eq!(voided.reason(&revoke), Reason::CaseClosed);
        assert_eq!(voided.reason(&check_in(date(2026, 3, 2))), Reason::CaseClosed);
    }
}
