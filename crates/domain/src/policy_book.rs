//! The rule values that a station sets for itself, or a unit that stations belong to sets for them: drafted by one, reviewed by
//! another, published; above what is shipped, and never against a statute.

mod draft_policy_pack;
pub mod event;
mod publish_policy_pack;
mod review_policy_pack;

pub use draft_policy_pack::DraftPolicyPack;
pub use event::{PackValue, PolicyEvent, PolicyPackDrafted, PolicyPackPublished, PolicyPackReviewed};
pub use publish_policy_pack::PublishPolicyPack;
pub use review_policy_pack::ReviewPolicyPack;

use crate::case::rules::check_role;
use crate::kernel::{Aggregate, Context, Role};
use crate::rejection::{Reason, Rejection};

/// How a pack stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackState {
    /// Written.
    Drafted,
    /// Somebody else agrees.
    Approved,
    /// Somebody else does not.
    Declined,
    /// In force in its time.
    Published,
}

impl PackState {
    /// The name in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            PackState::Drafted => "DRAFTED",
            PackState::Approved => "APPROVED",
            PackState::Declined => "DECLINED",
            PackState::Published => "PUBLISHED",
        }
    }
}

/// A pack of a station's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPack {
    /// What it says.
    pub draft: PolicyPackDrafted,
    /// How it stands.
    pub state: PackState,
}

/// The packs of one station, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyBook {
    /// All that were ever drafted.
    pub packs: Vec<OwnPack>,
}

impl PolicyBook {
    /// A pack by its name.
    pub fn pack(&self, name: &str) -> Option<&OwnPack> {
        self.packs.iter().find(|pack| pack.draft.pack == name)
    }

    /// Packs that were published, oldest first.
    pub fn published(&self) -> impl Iterator<Item = &PolicyPackDrafted> {
        let published = self.packs.iter().filter(|pack| pack.state == PackState::Published);
        published.map(|pack| &pack.draft)
    }
}

impl Aggregate for PolicyBook {
    const CATEGORY: &'static str = "policybook";
    type Event = PolicyEvent;

    fn subject<'a>(&'a self, id: &'a str) -> &'a str {
        id
    }

    fn evolve(&mut self, event: &PolicyEvent) {
        let (name, state) = match event {
            PolicyEvent::PolicyPackDrafted(fact) => {
                self.packs.push(OwnPack {
                    draft: fact.clone(),
                    state: PackState::Drafted,
                });
                return;
            }
            PolicyEvent::PolicyPackReviewed(fact) if fact.approved => (&fact.pack, PackState::Approved),
            PolicyEvent::PolicyPackReviewed(fact) => (&fact.pack, PackState::Declined),
            PolicyEvent::PolicyPackPublished(fact) => (&fact.pack, PackState::Published),
        };
        for pack in self.packs.iter_mut().filter(|pack| pack.draft.pack == *name) {
            pack.state = state;
        }
    }
}

/// A supervisor of the station, or an officer of the unit whose rules they are.
fn check_actor(unit: &str, context: &Context<'_>) -> Result<(), Rejection> {
    check_role(&[Role::Supervisor, Role::DistrictOfficer], context)?;
    if context.actor.role != Role::System && context.actor.station != unit {
        return Err(Reason::StationOutOfScope.into());
    }
    Ok(())
}

/// A pack in one of these states.
fn find<'a>(book: &'a PolicyBook, name: &str, states: &[PackState]) -> Result<&'a OwnPack, Rejection> {
    let pack = book.pack(name);
    let pack = pack.ok_or_else(|| Rejection::of(Reason::PackNotFound, "pack"))?;
    if states.contains(&pack.state) {
        Ok(pack)
    } else {
        Err(Rejection::of(Reason::PackDoesNotFit, "pack").with("state", pack.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::policy::{Layer, Policy};
    use crate::spec::{Given, given};

    const HERE: &str = "station-qinglongshan";

    fn value(key: &str, value: &str) -> PackValue {
        PackValue {
            key: key.into(),
            value: value.into(),
            source: "贵阳市社区戒毒康复条例".into(),
            certainty: "B".into(),
        }
    }

    fn draft(from: Date, values: Vec<PackValue>) -> DraftPolicyPack {
        DraftPolicyPack {
            unit: HERE.into(),
            pack: "qinglongshan/2026-04".into(),
            valid_from: from,
            valid_to: None,
            retroactive: false,
            values,
        }
    }

    fn tests_less_often() -> Vec<PackValue> {
        vec![value("tests.urine.per_year.CD", "6,4,2")]
    }

    fn leader() -> Given<PolicyBook> {
        given::<PolicyBook>([]).by("leader-1", Role::Supervisor)
    }

    #[test]
    fn one_drafts_another_reviews_and_it_is_in_force_once_published() {
        let from = date(2026, 4, 1);
        let name = "qinglongshan/2026-04".to_owned();
        let review = |approved| ReviewPolicyPack {
            unit: HERE.into(),
            pack: name.clone(),
            approved,
        };
        let publish = PublishPolicyPack {
            unit: HERE.into(),
            pack: name.clone(),
        };
        let drafted = leader().then(&draft(from, tests_less_often()));
        assert_eq!(drafted.reason(&draft(from, tests_less_often())), Reason::PackExists);
        assert_eq!(
            drafted.reason(&publish),
            Reason::PackDoesNotFit,
            "nobody has reviewed it"
        );
        assert_eq!(drafted.reason(&review(true)), Reason::SamePersonForbidden);
        let officer = drafted.at("officer-1", Role::DistrictOfficer, "district");
        assert_eq!(
            officer
                .then(&review(false))
                .at("leader-1", Role::Supervisor, HERE)
                .reason(&publish),
            Reason::PackDoesNotFit
        );
        let published = leader()
            .then(&draft(from, tests_less_often()))
            .at("officer-1", Role::DistrictOfficer, "district")
            .then(&review(true))
            .at("leader-1", Role::Supervisor, HERE)
            .then(&publish);
        let policy = Policy::shipped(HERE).with_packs(Layer::Station, published.state().published());
        let plan = |day| policy.numbers("tests.urine.per_year.CD", day).expect("is in force");
        assert_eq!(plan(date(2026, 3, 31)).value, [12, 6, 4]);
        assert_eq!((plan(from).value, plan(from).pack), (vec![6, 4, 2], name));
    }

    #[test]
    fn a_station_changes_no_statute_and_nothing_that_is_no_rule() {
        let from = date(2026, 4, 1);
        let reason = |values| leader().reason(&draft(from, values));
        let statute = vec![value("breach.serious.test_refusals_gte", "5")];
        assert_eq!(reason(statute.clone()), Reason::NotOverridable);
        let before_it = DraftPolicyPack {
            retroactive: true,
            ..draft(date(2011, 6, 25), statute)
        };
        assert_eq!(leader().reason(&before_it), Reason::NotOverridable, "whatever the day");
        assert_eq!(
            reason(vec![value("points.banned", "ALCOHOL,张三")]),
            Reason::FieldInvalid
        );
        assert_eq!(reason(vec![value("team.template.local", "FOO")]), Reason::FieldInvalid);
        let twice = [tests_less_often(), tests_less_often()].concat();
        assert_eq!(reason(twice), Reason::FieldInvalid);
        let named = DraftPolicyPack {
            pack: "national/2011-06-26".into(),
            ..draft(from, tests_less_often())
        };
        assert_eq!(leader().reason(&named), Reason::PackExists);
        assert_eq!(reason(vec![value("no.such.key", "1")]), Reason::FieldInvalid);
        assert_eq!(
            reason(vec![value("tests.urine.per_year.CD", "5")]),
            Reason::FieldInvalid
        );
        assert_eq!(
            reason(vec![value("calendar.holidays", "2026-05-01..2026-05-05")]),
            Reason::FieldInvalid
        );
        assert_eq!(reason(Vec::new()), Reason::ListEmpty);
        let anybody = given::<PolicyBook>([]);
        assert_eq!(anybody.reason(&draft(from, tests_less_often())), Reason::RoleRequired);
        let elsewhere = leader().at("leader-9", Role::Supervisor, "station-elsewhere");
        assert_eq!(
            elsewhere.reason(&draft(from, tests_less_often())),
            Reason::StationOutOfScope
        );
    }

    #[test]
    fn a_pack_for_the_past_says_so() {
        let past = draft(date(2026, 1, 1), tests_less_often());
        assert_eq!(leader().reason(&past), Reason::Retroactive);
        let said = DraftPolicyPack {
            retroactive: true,
            ..past
        };
        assert!(leader().when(&said).is_ok());
        // What waits until its first day has passed would be one, too.
        let waiting = leader()
            .then(&draft(date(2026, 4, 1), tests_less_often()))
            .at("officer-1", Role::DistrictOfficer, "district")
            .then(&ReviewPolicyPack {
                unit: HERE.into(),
                pack: "qinglongshan/2026-04".into(),
                approved: true,
            })
            .at("leader-1", Role::Supervisor, HERE);
        let publish = PublishPolicyPack {
            unit: HERE.into(),
            pack: "qinglongshan/2026-04".into(),
        };
        assert!(waiting.clone().on(date(2026, 4, 1)).when(&publish).is_ok());
        assert_eq!(waiting.on(date(2026, 4, 2)).reason(&publish), Reason::Retroactive);
    }

    #[test]
    fn a_station_without_a_plan_may_set_one() {
        let elsewhere = "station-weicheng";
        let plan = DraftPolicyPack {
            unit: elsewhere.into(),
            ..draft(date(2026, 4, 1), tests_less_often())
        };
        assert!(leader().at("leader-9", Role::Supervisor, elsewhere).when(&plan).is_ok());
    }
}
