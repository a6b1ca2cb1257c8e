//! A check-in or talk was none.

use serde::Serialize;

use super::{ContactVoided, owed_again};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{check_actor, check_note, check_registered};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Says that a check-in or talk did not happen as recorded; the month's meeting is owed again if nothing else met it. Points
/// that were given for it are reversed by whoever gives points.
#[derive(Clone, Debug, Serialize)]
pub struct VoidContact {
    /// Revision of its event in the case's stream.
    pub revision: u64,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for VoidContact {
    type Aggregate = Case;
    const NAME: &'static str = "VoidContact";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_registered(case)?;
        check_note("reason", &self.reason)?;
        let mut contacts = case.contacts.iter();
        let contact = contacts.find(|contact| contact.revision == self.revision);
        let contact = contact.ok_or_else(|| Rejection::of(Reason::ContactNotFound, "event"))?;
        if contact.voided {
            return Err(Rejection::of(Reason::ContactVoid, "event"));
        }
        let left = case.contacts.iter();
        let left = left.filter(|other| !other.voided && other.revision != self.revision);
        let others: Vec<_> = left
            .clone()
            .filter(|other| other.meeting)
            .map(|other| (other.on, other.run))
            .collect();
        let mut events = vec![
            ContactVoided {
                revision: self.revision,
                on: contact.on,
                talk: contact.talk,
                station: contact.station.clone(),
                last: left.map(|other| other.on).max(),
                reason: (&self.reason).into(),
            }
            .into(),
        ];
        if contact.meeting {
            events.extend(owed_again(
                case,
                ObligationKind::MonthlyMeeting,
                contact.on,
                &others,
                context,
            ));
        }
        Ok(events)
    }
}
