//! What is before the police: what puts it there, what takes it away, and the station's duty to tell them.

use super::{BreachGround, BreachWithdrawn, Counter, counter};
use crate::case::event::CaseEvent;
use crate::case::obligation::{CancelReason, Debtor, ObligationCancelled, ObligationKind};
use crate::case::rules::{Opener, check_stage};
use crate::case::stage::Stage;
use crate::case::state::{Case, Pending, Referral};
use crate::kernel::{Aggregate, Context};
use crate::rejection::{Reason, Rejection};
use jiff::civil::Date;

/// A breach or relapse is before the police, or on its way to them; also while the case is suspended or its term has ended.
pub(super) fn check_pending(case: &Case) -> Result<(), Rejection> {
    if !case.referral.is_pending() {
        return check_stage(
            case,
            &[Stage::BreachReferred, Stage::RelapseReferred, Stage::RefusalReferred],
        );
    }
    if case.stage.is_closed() {
        return Err(Reason::CaseClosed.into());
    }
    Ok(())
}

/// What is to be reported, each with the last day on which something happened that it rests on.
pub(super) fn untold(case: &Case) -> Vec<Option<Date>> {
    let of = |pending, since: Option<Date>| (pending == Pending::Untold).then_some(since);
    let grounds = [
        of(case.referral.breach, breach_since(case)),
        of(case.referral.relapse, relapse_since(case)),
        of(case.referral.refusal, None),
    ];
    grounds.into_iter().flatten().collect()
}

/// How a referral stands after the police were told on a day: of nothing that happened later.
pub(in crate::case) fn told(case: &Case, on: Date) -> Referral {
    let after = |pending, since: Option<Date>| match pending {
        Pending::Untold if since.is_none_or(|since| since <= on) => Pending::Told(on),
        other => other,
    };
    let referral = case.referral;
    Referral {
        breach: after(referral.breach, breach_since(case)),
        relapse: after(referral.relapse, relapse_since(case)),
        refusal: after(referral.refusal, None),
    }
}

fn breach_since(case: &Case) -> Option<Date> {
    let refused = |number: &u32| case.test(*number)?.refused_on;
    let absent = |number: &u32| Some(case.absence(*number)?.to);
    let (ground, evidence) = case.breaches.last()?;
    match ground {
        BreachGround::TestRefusals => evidence.iter().filter_map(refused).max(),
        BreachGround::Absences | BreachGround::AbsenceDays => evidence.iter().filter_map(absent).max(),
    }
}

fn relapse_since(case: &Case) -> Option<Date> {
    case.test(*case.relapses.last()?)?.read_on
}

/// What follows when something that counted does not any more: a breach of which the police have not been told is withdrawn if
/// the threshold is not reached without it, or by nothing new.
pub(in crate::case) fn after_withdrawal(
    case: &Case,
    withdrawn: CaseEvent,
    context: &Context<'_>,
) -> Result<Vec<CaseEvent>, Rejection> {
    let mut without = case.clone();
    without.evolve(&withdrawn);
    let mut events = vec![withdrawn];
    let Some((ground, _)) = case.breaches.last().filter(|_| case.referral.breach.is_open()) else {
        return Ok(events);
    };
    if matches!(case.referral.breach, Pending::Told(_)) {
        return Ok(events);
    }
    without.breaches.pop();
    let left = counter(&without, *ground, context.today, context.policy)?;
    if !left.reached || !is_new(&without, &left) {
        events.push(BreachWithdrawn { ground: *ground }.into());
        let duties = case.obligations.iter();
        let duties =
            duties.filter(|owed| owed.kind == ObligationKind::PoliceReport && case.referral.relapse != Pending::Untold);
        events.extend(duties.map(|owed| {
            let (number, reason) = (owed.number, CancelReason::Replanned);
            ObligationCancelled { number, reason }.into()
        }));
    }
    Ok(events)
}

/// Numbers of the tests, or of the absences, that some breaches rested on.
pub(crate) fn judged(breaches: &[(BreachGround, Vec<u32>)], ground: BreachGround) -> Vec<u32> {
    let like = breaches.iter().filter(|(of, _)| of.is_like(ground));
    like.flat_map(|(_, evidence)| evidence.clone()).collect()
}

/// Whether anything counts that no earlier breach rested on.
pub(crate) fn is_new(case: &Case, counter: &Counter) -> bool {
    let judged = judged(&case.breaches, counter.ground);
    counter.evidence.iter().any(|number| !judged.contains(number))
}

/// The station's duty to tell the police, from today on; nothing when one is open already.
pub(in crate::case) fn report_to_police(case: &Case, context: &Context<'_>) -> Result<Option<CaseEvent>, Rejection> {
    if case
        .obligations
        .iter()
        .any(|owed| owed.kind == ObligationKind::PoliceReport)
    {
        return Ok(None);
    }
    let owed = (ObligationKind::PoliceReport, Debtor::Station);
    let opened = Opener::after(case).within_days(owed, context.today, "police_report.days", context)?;
    Ok(Some(opened))
}
