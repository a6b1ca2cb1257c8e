//! What several commands of a case share: dates, scope, terms and the opening and closing of obligations.

use jiff::civil::Date;

use super::event::{CaseEvent, TermRecalculated};
use super::obligation::{
    CancelReason, Debtor, Obligation, ObligationCancelled, ObligationFulfilled, ObligationKind, ObligationOpened,
};
use super::order::Programme;
use super::stage::Stage;
use super::state::Case;
use super::test_plan::window_end;
use crate::calendar::{FIRST_DAY, LAST_DAY, add_days, add_months, days_between, working_days_after};
use crate::kernel::{Context, Role};
use crate::person::is_personal_number;
use crate::rejection::{Reason, Rejection};

/// Longest document number, staff id or code in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 64;

/// A document number, id or code: 1 to [`TEXT_CHARS_MAX`] characters, none of them a control character.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), Rejection> {
    let count = text.chars().count();
    if count == 0 || count > TEXT_CHARS_MAX || text.trim() != text || text.chars().any(char::is_control) {
        let expected = "1 to 64 characters, no control characters, no outer spaces";
        return Err(Rejection::of(Reason::FieldInvalid, field).with("expected", expected));
    }
    Ok(())
}

/// Longest note in characters.
const NOTE_CHARS_MAX: usize = 2_000;

/// A note in somebody's own words: 1 to 2,000 characters, no control characters but ends of line.
pub(crate) fn check_note(field: &'static str, text: &str) -> Result<(), Rejection> {
    let count = text.chars().count();
    if count == 0 || count > NOTE_CHARS_MAX || text.chars().any(|one| one.is_control() && one != '\n') {
        let expected = "1 to 2000 characters, no control characters but ends of line";
        return Err(Rejection::of(Reason::FieldInvalid, field).with("expected", expected));
    }
    Ok(())
}

/// A code, which cannot hold anybody's name, identity number or telephone number: 1 to [`TEXT_CHARS_MAX`] letters, digits, `-`, `_` and `.`.
pub(crate) fn check_code(field: &'static str, text: &str) -> Result<(), Rejection> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || text.len() > TEXT_CHARS_MAX || !text.bytes().all(allowed) || is_personal_number(text) {
        let expected = "1 to 64 letters, digits, `-`, `_` or `.`, and nobody's number";
        return Err(Rejection::of(Reason::FieldInvalid, field).with("expected", expected));
    }
    Ok(())
}

/// Most photographs and papers of one record.
const EVIDENCE_MAX: usize = 10;

/// Digests of what is kept elsewhere: SHA-256 in 64 lower-case hexadecimal digits.
pub(super) fn check_evidence(digests: &[String]) -> Result<(), Rejection> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digest = |text: &String| text.len() == 64 && text.bytes().all(hex);
    if digests.len() > EVIDENCE_MAX || !digests.iter().all(digest) {
        let expected = "at most 10, each 64 lower-case hexadecimal digits: SHA-256";
        return Err(Rejection::of(Reason::FieldInvalid, "evidence").with("expected", expected));
    }
    Ok(())
}

/// A day within the calendar and not in the future.
pub(crate) fn check_day(field: &'static str, day: Date, context: &Context<'_>) -> Result<(), Rejection> {
    if day < FIRST_DAY || day > LAST_DAY {
        return Err(Rejection::of(Reason::DateOutOfRange, field));
    }
    if day > context.today {
        return Err(Rejection::of(Reason::OccurredInFuture, field).with("today", context.today));
    }
    Ok(())
}

/// A past day not before `earliest`.
pub(super) fn check_day_from(
    field: &'static str,
    day: Date,
    earliest: Option<Date>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    check_day(field, day, context)?;
    match earliest.filter(|earliest| day < *earliest) {
        Some(earliest) => Err(Rejection::of(Reason::OccurredBeforeCase, field).with("earliest", earliest)),
        None => Ok(()),
    }
}

/// Longest time ahead that a report or a notice may reach, in days.
const AHEAD_DAYS_MAX: i32 = 366;

/// A last day from the first on, at most [`AHEAD_DAYS_MAX`] days later; it may lie ahead.
pub(super) fn check_span(field: &'static str, from: Date, to: Date) -> Result<(), Rejection> {
    if to < from || to > LAST_DAY || days_between(from, to) > AHEAD_DAYS_MAX {
        let expected = format!("{from} or later, at most {AHEAD_DAYS_MAX} days");
        return Err(Rejection::of(Reason::FieldInvalid, field).with("expected", expected));
    }
    Ok(())
}

/// Recording later than policy `backdate.free_days` needs a reason code.
pub(super) fn check_backdate(day: Date, reason: Option<&str>, context: &Context<'_>) -> Result<(), Rejection> {
    let free = context.policy.number("backdate.free_days", context.today)?.value;
    match reason {
        Some(code) => check_text("late_reason", code),
        None if i64::from(days_between(day, context.today)) > free => {
            Err(Rejection::of(Reason::BackdateNeedsReason, "late_reason").with("free_days", free))
        }
        None => Ok(()),
    }
}

/// Stages in which a participant is bound by the agreement.
pub(super) const LIVE: [Stage; 4] = [
    Stage::Active,
    Stage::TransferPending,
    Stage::BreachReferred,
    Stage::RelapseReferred,
];

/// Stages in which what happened under the agreement may still be recorded.
pub(super) const LATE: [Stage; 5] = [
    Stage::Active,
    Stage::TransferPending,
    Stage::BreachReferred,
    Stage::RelapseReferred,
    Stage::TermExpiredAwaitingNotice,
];

/// The actor's role is one of these, and the case is of the actor's station.
pub(super) fn check_actor(case: &Case, roles: &[Role], context: &Context<'_>) -> Result<(), Rejection> {
    check_role(roles, context)?;
    let system = context.actor.role == Role::System;
    if !system && case.stage != Stage::Unregistered && case.station != context.actor.station {
        return Err(Reason::StationOutOfScope.into());
    }
    Ok(())
}

/// The actor's role is one of these; Waystation itself may do what any of them may.
pub(crate) fn check_role(roles: &[Role], context: &Context<'_>) -> Result<(), Rejection> {
    if context.actor.role == Role::System || roles.contains(&context.actor.role) {
        return Ok(());
    }
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    Err(Rejection::from(Reason::RoleRequired).with("roles", names.join(" or ")))
}

/// Months that the law allows for the programme, and days served elsewhere that may count (戒毒条例 31).
pub(super) fn check_term(
    programme: Programme,
    (months, offset_days): (i32, i32),
    day: Date,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let allowed = match programme {
        Programme::CommunityDetox => {
            let only = context.policy.number("term.months.CD", day)?.value;
            only..=only
        }
        Programme::CommunityRehab => 1..=context.policy.number("term.months_max.CR", day)?.value,
    };
    if !allowed.contains(&i64::from(months)) {
        let months = format!("{} to {}", allowed.start(), allowed.end());
        return Err(Rejection::of(Reason::TermNotAllowed, "term_months").with("months", months));
    }
    if !(0..=1_095).contains(&offset_days) {
        return Err(Rejection::of(Reason::FieldInvalid, "offset_days").with("expected", "0 to 1095 days"));
    }
    Ok(())
}

/// The case is there, whatever became of it.
pub(super) fn check_registered(case: &Case) -> Result<(), Rejection> {
    match case.stage {
        Stage::Unregistered => Err(Reason::CaseNotFound.into()),
        _ => Ok(()),
    }
}

/// The case is there, and has not ended.
pub(super) fn check_open(case: &Case) -> Result<(), Rejection> {
    check_registered(case)?;
    if case.stage.is_closed() {
        return Err(Reason::CaseClosed.into());
    }
    Ok(())
}

/// The case is in one of these stages.
pub(super) fn check_stage(case: &Case, stages: &[Stage]) -> Result<(), Rejection> {
    match case.stage {
        stage if stages.contains(&stage) => Ok(()),
        Stage::Unregistered => Err(Reason::CaseNotFound.into()),
        stage if stage.is_closed() => Err(Rejection::from(Reason::CaseClosed).with("state", stage.as_str())),
        stage => Err(Rejection::from(Reason::BadState).with("state", stage.as_str())),
    }
}

/// The term: from reporting, for the order's months, plus suspended days, minus days served elsewhere.
/// Convention ANNIVERSARY: it ends on the same day of the month.
pub(super) fn term(case: &Case, start: Date, suspended_days: i32) -> TermRecalculated {
    let end = add_days(add_months(start, case.term_months), suspended_days - case.offset_days);
    TermRecalculated {
        start,
        end,
        suspended_days,
        offset_days: case.offset_days,
    }
}

/// Most months that are looked through for the next window.
const MONTHS_MAX: usize = 480;

/// Opens obligations while keeping count.
pub(super) struct Opener {
    next: u32,
}

impl Opener {
    pub(super) fn after(case: &Case) -> Self {
        Self {
            next: case.obligations_opened + 1,
        }
    }

    /// The obligation opened last is none after all.
    pub(super) fn give_back(&mut self) {
        self.next -= 1;
    }

    pub(super) fn open(
        &mut self,
        kind: ObligationKind,
        debtor: Debtor,
        window: (Date, Date),
        source: String,
    ) -> CaseEvent {
        let number = self.next;
        self.next += 1;
        ObligationOpened {
            number,
            kind,
            debtor,
            window_from: window.0,
            window_to: window.1,
            source,
            station: None,
        }
        .into()
    }

    /// What of a kind is owed next from a day on, if anything is.
    pub(super) fn periodic(
        &mut self,
        kind: ObligationKind,
        case: &Case,
        (from, term_end): (Date, Option<Date>),
        context: &Context<'_>,
    ) -> Result<Option<CaseEvent>, Rejection> {
        // A month for which policy wants nothing is passed over; what follows it is owed.
        let mut from = from;
        for _ in 0..MONTHS_MAX {
            if term_end.is_some_and(|end| from >= end) {
                break;
            }
            let opened = match kind {
                ObligationKind::UrineTest => self.urine_test(case, from, term_end, context),
                kind if kind.every_months().is_some() => self.every_months(kind, case, (from, term_end), context)?,
                _ => self.monthly_meeting(from, term_end, context)?,
            };
            if opened.is_some() {
                return Ok(opened);
            }
            from = add_months(from.first_of_month(), 1);
        }
        Ok(None)
    }

    /// The test window that `from` lies in, by the plan in force on its first day. National law sets no plan, so a station
    /// without one owes none.
    fn urine_test(
        &mut self,
        case: &Case,
        from: Date,
        term_end: Option<Date>,
        context: &Context<'_>,
    ) -> Option<CaseEvent> {
        let key = format!("tests.urine.per_year.{}", case.programme?.as_str());
        let plan = context.policy.numbers(&key, from).ok()?;
        let to = window_end(case.reported_on?, from, term_end, &plan.value)?;
        let source = format!("{} {key}", plan.pack);
        let window = (from, to);
        Some(self.open(ObligationKind::UrineTest, Debtor::Participant, window, source))
    }

    /// The monthly meeting of the month of `from`, if the term reaches that month. The first window may begin inside
    /// a month; the last ends with the term.
    fn monthly_meeting(
        &mut self,
        from: Date,
        term_end: Option<Date>,
        context: &Context<'_>,
    ) -> Result<Option<CaseEvent>, Rejection> {
        let key = "contact.meetings_per_month_gte";
        let wanted = context.policy.number(key, from)?;
        if wanted.value < 1 || term_end.is_some_and(|end| from >= end) {
            return Ok(None);
        }
        let to = term_end.map_or(from.last_of_month(), |end| from.last_of_month().min(end));
        let source = format!("{} {key}", wanted.pack);
        Ok(Some(self.open(
            ObligationKind::MonthlyMeeting,
            Debtor::Participant,
            (from, to),
            source,
        )))
    }

    /// What the station owes every so many months of the programme: the window that `from` lies in, from `from` on.
    fn every_months(
        &mut self,
        kind: ObligationKind,
        case: &Case,
        (from, term_end): (Date, Option<Date>),
        context: &Context<'_>,
    ) -> Result<Option<CaseEvent>, Rejection> {
        let (Some(key), Some(start)) = (kind.every_months(), case.reported_on) else {
            return Ok(None);
        };
        let every = context.policy.number(key, from)?;
        let Some(months) = i32::try_from(every.value).ok().filter(|months| *months > 0) else {
            return Ok(None);
        };
        let ends = (1..).map(|number| add_days(add_months(start, months.saturating_mul(number)), -1));
        let Some(end) = ends.take(MONTHS_MAX).find(|end| *end >= from) else {
            return Ok(None);
        };
        let window = (from, term_end.map_or(end, |term| end.min(term)));
        Ok(Some(self.open(
            kind,
            Debtor::Station,
            window,
            format!("{} {key}", every.pack),
        )))
    }

    /// The agreement that the station owes after a report (戒毒条例 16).
    pub(super) fn agreement(&mut self, on: Date, context: &Context<'_>) -> Result<Option<CaseEvent>, Rejection> {
        self.within_working_days(ObligationKind::SignAgreement, on, "agreement.sign_within_days", context)
    }

    /// What the station has set since, and owes from today on: of kinds of which nothing is open, and nothing was planned up to today.
    pub(super) fn set_since(
        &mut self,
        case: &Case,
        kinds: &[ObligationKind],
        context: &Context<'_>,
    ) -> Result<Vec<CaseEvent>, Rejection> {
        let mut events = Vec::new();
        if !LIVE.contains(&case.stage) || case.suspended_from().is_some() {
            return Ok(events);
        }
        let today = context.today;
        for kind in kinds.iter().copied().filter(|kind| kind.every_months().is_some()) {
            let planned = case.planned_to.iter().find(|(of, _)| *of == kind);
            if case.open(kind).is_none() && planned.is_none_or(|(_, to)| *to < today) {
                events.extend(self.periodic(kind, case, (today, case.term_end), context)?);
            }
        }
        Ok(events)
    }

    /// What the station owes within so many working days, where policy says so; 0 for nothing.
    pub(super) fn within_working_days(
        &mut self,
        kind: ObligationKind,
        from: Date,
        key: &str,
        context: &Context<'_>,
    ) -> Result<Option<CaseEvent>, Rejection> {
        let days = context.policy.number(key, from)?;
        let Some(count) = i32::try_from(days.value).ok().filter(|count| *count > 0) else {
            return Ok(None);
        };
        let to = working_days_after(context.policy, from, count);
        Ok(Some(self.open(
            kind,
            Debtor::Station,
            (from, to),
            format!("{} {key}", days.pack),
        )))
    }

    /// The watch on the police's discharge notice.
    pub(super) fn discharge_watch(&mut self, term_end: Date, context: &Context<'_>) -> Result<CaseEvent, Rejection> {
        let owed = (ObligationKind::DischargeNoticeWatch, Debtor::Police);
        self.within_days(owed, term_end, "discharge.notice_to_station_days", context)
    }

    /// What is owed within the days that a policy key gives, from a day on.
    pub(super) fn within_days(
        &mut self,
        (kind, debtor): (ObligationKind, Debtor),
        from: Date,
        key: &str,
        context: &Context<'_>,
    ) -> Result<CaseEvent, Rejection> {
        let days = context.policy.number(key, context.today)?;
        let to = add_days(from, i32::try_from(days.value).unwrap_or(i32::MAX));
        Ok(self.open(kind, debtor, (from, to), format!("{} {key}", days.pack)))
    }
}

/// What happened on a day fulfils: the open obligation of the kind whose window holds the day, or else the oldest past-due one
/// whose window holds it (recorded late). What is done again in a window counts once.
pub(super) fn fulfilled(
    case: &Case,
    kind: ObligationKind,
    on: Date,
    context: &Context<'_>,
) -> Result<Vec<CaseEvent>, Rejection> {
    let holds = |owed: &&Obligation| owed.kind == kind && owed.window_from <= on && on <= owed.window_to;
    let owed = case.obligations.iter().find(holds);
    let Some(owed) = owed else { return Ok(Vec::new()) };
    let mut events = vec![
        ObligationFulfilled {
            number: owed.number,
            on,
            late: owed.past_due,
        }
        .into(),
    ];
    if !owed.past_due && !case.is_planned_beyond(kind, owed.window_to) {
        // The next window opens at once; a past-due or reopened one was followed by its successor already.
        let next = (add_days(owed.window_to, 1), case.term_end);
        let mut opener = Opener::after(case);
        events.extend(opener.periodic(kind, case, next, context)?);
        // The clock does not look at a case of which nothing passes.
        let others: Vec<_> = ObligationKind::PERIODIC.into_iter().filter(|of| *of != kind).collect();
        events.extend(opener.set_since(case, &others, context)?);
    }
    Ok(events)
}

/// The same for what the station owes: one that is past due is met before the next.
pub(super) fn fulfilled_late_first(
    case: &Case,
    kind: ObligationKind,
    on: Date,
    context: &Context<'_>,
) -> Result<Vec<CaseEvent>, Rejection> {
    let mut late = case.obligations.iter();
    let late = late.find(|open| open.kind == kind && open.past_due && open.window_to < on);
    match late.map(|open| open.number) {
        Some(number) => {
            let late = true;
            Ok(vec![ObligationFulfilled { number, on, late }.into()])
        }
        None => fulfilled(case, kind, on, context),
    }
}

/// What is owed once is met on a day, in time or late.
pub(super) fn met(case: &Case, kind: ObligationKind, on: Date) -> Vec<CaseEvent> {
    let owed = case.obligations.iter().filter(|owed| owed.kind == kind);
    let met = owed.map(|owed| {
        let (number, late) = (owed.number, on > owed.window_to);
        ObligationFulfilled { number, on, late }.into()
    });
    met.collect()
}

/// Cancels obligations that no longer apply. From the first day of a suspension on participants owe nothing; what was past due
/// before stays on record, and so does what the station owes the police, and its look at a class of risk.
pub(super) fn cancel_all(case: &Case, reason: CancelReason, from: Option<Date>) -> Vec<CaseEvent> {
    let stays = |owed: &Obligation| {
        let decides = matches!(owed.kind, ObligationKind::PoliceReport | ObligationKind::RiskReview);
        let kept = |from| decides || owed.past_due && owed.window_to < from;
        from.is_some_and(kept)
    };
    let stale = case.obligations.iter().filter(|obligation| !stays(obligation));
    stale
        .map(|obligation| {
            ObligationCancelled {
                number: obligation.number,
                reason,
            }
            .into()
        })
        .collect()
}
