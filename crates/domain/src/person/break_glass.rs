//! In an emergency somebody reads a record that is not in their charge: for half an hour, said why beforehand, and a second
//! person says afterwards whether it was right.

use serde::Serialize;

use super::event::{Emergency, GlassBroken, GlassReviewed, PersonEvent};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::{check_note, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// How long a broken glass lets read, in minutes.
pub const GLASS_MINUTES: i64 = 30;
/// Within how many hours it must be reviewed; after that it is the district's concern.
pub const REVIEW_HOURS: i64 = 24;
/// Emergencies of one member of staff in one day in China.
pub const GLASSES_A_DAY_MAX: u32 = 3;
/// Shortest reason, in characters: long enough that it says something.
const REASON_CHARS_MIN: usize = 15;
/// Glasses of one person that wait for a review.
const UNREVIEWED_MAX: usize = 20;

/// Breaks the glass before a person's record.
#[derive(Clone, Debug, Serialize)]
pub struct BreakGlass {
    /// What kind of emergency.
    pub emergency: Emergency,
    /// What happened, 15 to 2000 characters.
    pub reason: String,
    /// Until when it lets read, microseconds since 1970 UTC. Not part of what is asked for.
    #[serde(skip)]
    pub until_us: i64,
    /// How often the same member of staff has done this today.
    #[serde(skip)]
    pub broken_today: u32,
}

/// Says whether somebody was right to break the glass.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewGlass {
    /// Which one.
    pub glass: u32,
    /// They were right.
    pub justified: bool,
}

impl Command for BreakGlass {
    type Aggregate = Person;
    const NAME: &'static str = "BreakGlass";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        // No emergency opens what two people sealed.
        // Restricting does not stand in the way of a life in danger; a seal does.
        check_there(person)?;
        if person.sealed {
            return Err(Reason::PersonSealed.into());
        }
        check_note("reason", &self.reason)?;
        if self.reason.chars().count() < REASON_CHARS_MIN {
            let no = Rejection::of(Reason::FieldInvalid, "reason");
            return Err(no.with("expected", "at least 15 characters that say what happened"));
        }
        let waiting = person.glasses.iter().filter(|glass| !glass.reviewed).count();
        if self.broken_today >= GLASSES_A_DAY_MAX || waiting >= UNREVIEWED_MAX {
            return Err(Reason::GlassLimit.into());
        }
        Ok(vec![
            GlassBroken {
                glass: person.broken + 1,
                by: context.actor.id.clone(),
                emergency: self.emergency,
                until_us: self.until_us,
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}

impl Command for ReviewGlass {
    type Aggregate = Person;
    const NAME: &'static str = "ReviewGlass";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_role(
            &[Role::Supervisor, Role::PrivacyOfficer, Role::DistrictOfficer],
            context,
        )?;
        if context.actor.role == Role::Supervisor {
            check_actor(person, &[Role::Supervisor], context)?;
        }
        let waiting = person.glasses.iter().find(|glass| glass.number == self.glass);
        let waiting = waiting.filter(|glass| !glass.reviewed);
        let waiting = waiting.ok_or_else(|| Rejection::of(Reason::GlassNotFound, "glass"))?;
        if waiting.by == context.actor.id {
            return Err(Rejection::of(Reason::SamePersonForbidden, "glass"));
        }
        Ok(vec![
            GlassReviewed {
                glass: self.glass,
                justified: self.justified,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;
    use crate::person::{Act, DecideAct, ProposeAct};

    fn break_it() -> BreakGlass {
        BreakGlass {
            emergency: Emergency::Medical,
            reason: "在站内突然昏迷，急救人员需要其姓名".into(),
            until_us: 1,
            broken_today: 0,
        }
    }

    #[test]
    fn a_reason_must_say_something_and_three_a_day_are_enough() {
        let short = BreakGlass {
            reason: "急".into(),
            ..break_it()
        };
        assert_eq!(registered().reason(&short), Reason::FieldInvalid);
        let fourth = BreakGlass {
            broken_today: 3,
            ..break_it()
        };
        assert_eq!(registered().reason(&fourth), Reason::GlassLimit);
        let keeper = registered().by("store-1", Role::StoreKeeper);
        assert_eq!(keeper.reason(&break_it()), Reason::RoleRequired);
    }

    #[test]
    fn somebody_else_reviews_it_once() {
        let broken = registered().by("leader-1", Role::Supervisor).then(&break_it());
        let review = ReviewGlass {
            glass: 1,
            justified: true,
        };
        assert_eq!(broken.reason(&review), Reason::SamePersonForbidden);
        let reviewed = broken.by("privacy-1", Role::PrivacyOfficer).then(&review);
        assert_eq!(reviewed.reason(&review), Reason::GlassNotFound);
        let second = reviewed.by("worker-1", Role::CaseWorker).then(&break_it());
        assert_eq!(second.state().glasses.last().map(|glass| glass.number), Some(2));
    }

    #[test]
    fn no_emergency_opens_a_sealed_record() {
        let seal = ProposeAct {
            act: Act::Seal,
            other: None,
            basis: "B".into(),
            reason: "本人申请".into(),
        };
        let yes = DecideAct {
            proposal: 1,
            approve: true,
        };
        let proposed = registered().by("leader-1", Role::Supervisor).then(&seal);
        let sealed = proposed.by("privacy-1", Role::PrivacyOfficer).then(&yes);
        assert_eq!(
            sealed.by("worker-1", Role::CaseWorker).reason(&break_it()),
            Reason::PersonSealed
        );
    }
}
