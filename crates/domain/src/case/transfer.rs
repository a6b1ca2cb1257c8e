//! Another station carries the order on (戒毒条例 22): proposed by the one, accepted by the other, whose it is from the day on
//! which the participant reports there. The term runs on, and so does every window: only the agreement is new.

mod accept_transfer;
mod propose_transfer;
mod reject_transfer;
mod report_in_after_transfer;
mod send_transfer_materials;
mod withdraw_transfer;

pub use accept_transfer::AcceptTransfer;
pub use propose_transfer::ProposeTransfer;
pub use reject_transfer::RejectTransfer;
pub use report_in_after_transfer::ReportInAfterTransfer;
pub use send_transfer_materials::SendTransferMaterials;
pub use withdraw_transfer::WithdrawTransfer;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::obligation::{CancelReason, Debtor, Obligation, ObligationCancelled, ObligationKind};
use super::rules::{Opener, check_registered, check_role};
use super::state::Case;
use crate::calendar::due_day;
use crate::kernel::{Context, Role};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// The station proposed that another carries the order on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferProposed {
    /// Day.
    pub on: Date,
    /// The station that proposes it.
    pub from_station: String,
    /// The other station.
    pub to_station: String,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// The materials went to the other station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferMaterialsSent {
    /// Day.
    pub on: Date,
    /// What was sent, as codes.
    pub documents: Vec<String>,
}

/// The other station accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferAccepted {
    /// Day of acceptance.
    pub on: Date,
    /// Day on which the place of execution changes; the participant has to report within days of it.
    pub effective_on: Date,
}

/// The other station does not take the participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRejected {
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// The station that proposed it does not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferWithdrawn {
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// The participant reported to the other station, whose case it is from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferReportedIn {
    /// Day.
    pub on: Date,
    /// The person, so that everything about them goes along.
    pub person: String,
    /// The station whose case it was.
    pub from_station: String,
    /// The station whose case it is.
    pub to_station: String,
    /// Numbers of the obligations that are neither met nor cancelled and go along.
    pub obligations: Vec<u32>,
    /// It was late, and a supervisor accepted why.
    pub late: bool,
    /// Why.
    #[serde(default, skip_serializing)]
    pub justification: Personal,
}

/// A transfer under way, until a new agreement is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The station that proposed it.
    pub from: String,
    /// The other station.
    pub to: String,
    /// Day of the proposal.
    pub proposed_on: Date,
    /// Day on which the materials went last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_on: Option<Date>,
    /// Day on which the place of execution changes, once the other station has accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_on: Option<Date>,
    /// Day on which the participant reported there; the new agreement is to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<Date>,
}

impl Transfer {
    /// How a transfer stands after an event; what every view of a case agrees on.
    #[must_use]
    pub fn after(transfer: Option<Transfer>, event: &CaseEvent) -> Option<Transfer> {
        match event {
            CaseEvent::TransferProposed(fact) => Some(Transfer {
                from: fact.from_station.clone(),
                to: fact.to_station.clone(),
                proposed_on: fact.on,
                sent_on: None,
                effective_on: None,
                reported_on: None,
            }),
            CaseEvent::TransferMaterialsSent(fact) => transfer.map(|transfer| Transfer {
                sent_on: Some(fact.on),
                ..transfer
            }),
            CaseEvent::TransferAccepted(fact) => transfer.map(|transfer| Transfer {
                effective_on: Some(fact.effective_on),
                ..transfer
            }),
            CaseEvent::TransferReportedIn(fact) => transfer.map(|transfer| Transfer {
                reported_on: Some(fact.on),
                ..transfer
            }),
            CaseEvent::TransferRejected(_)
            | CaseEvent::TransferWithdrawn(_)
            | CaseEvent::AgreementSigned(_)
            | CaseEvent::CaseTerminated(_)
            | CaseEvent::OrderRevoked(_)
            | CaseEvent::CaseDischarged(_) => None,
            _ => transfer,
        }
    }
}

/// The transfer that is under way and not over: before the participant has reported to the other station. A station that is no
/// party to it is told nothing, not even that.
fn under_way<'a>(case: &'a Case, context: &Context<'_>) -> Result<&'a Transfer, Rejection> {
    check_registered(case)?;
    let asked = case.transfer.as_ref().map(|transfer| transfer.to.as_str());
    check_party(case, asked, context)?;
    let transfer = case.transfer.as_ref().filter(|transfer| transfer.reported_on.is_none());
    transfer.ok_or_else(|| Reason::NoTransfer.into())
}

/// The actor's role is one of these, and the actor is of the station that receives.
fn check_receiver(transfer: &Transfer, roles: &[Role], context: &Context<'_>) -> Result<(), Rejection> {
    check_role(roles, context)?;
    if context.actor.role == Role::System || transfer.to == context.actor.station {
        Ok(())
    } else {
        Err(Reason::StationOutOfScope.into())
    }
}

/// Reporting to the new station, within policy `transfer.report_in_days` of a day. Counted as the first report is: from the next
/// day on, and a last day that is a holiday moves.
pub(super) fn report_owed(
    opener: &mut Opener,
    case: &Case,
    from: Date,
    context: &Context<'_>,
) -> Result<CaseEvent, Rejection> {
    let key = "transfer.report_in_days";
    let days = context.policy.number(key, from)?;
    let roll = context.policy.flag("report_in.roll_on_holiday", from)?.value;
    let due = due_day(
        context.policy,
        from,
        i32::try_from(days.value).unwrap_or(i32::MAX),
        roll,
    );
    let owed = (ObligationKind::TransferReportIn, Debtor::Participant);
    let source = format!("{} {key}", days.pack);
    let mut opened = opener.open(owed.0, owed.1, (from, due), source);
    if let CaseEvent::ObligationOpened(fact) = &mut opened {
        // The other station says so, and it is still this one's case.
        fact.station = Some(case.station.clone());
    }
    Ok(opened)
}

/// The actor is of the station that has the case, or of the one that was asked.
pub(super) fn check_party(case: &Case, asked: Option<&str>, context: &Context<'_>) -> Result<(), Rejection> {
    let actor = context.actor;
    let party = actor.station == case.station || asked == Some(actor.station.as_str());
    if actor.role == Role::System || party {
        Ok(())
    } else {
        Err(Reason::StationOutOfScope.into())
    }
}

/// Nobody has to report to a station that does not take them.
fn nothing_owed(case: &Case) -> Vec<CaseEvent> {
    let reports = case.obligations.iter();
    let reports = reports.filter(|owed| owed.kind == ObligationKind::TransferReportIn);
    let cancelled = |report: &Obligation| {
        let (number, reason) = (report.number, CancelReason::TransferEnded);
        ObligationCancelled { number, reason }.into()
    };
    reports.map(cancelled).collect()
}

#[cfg(test)]
mod tests;
