//! Who may do what: the policies of `permissions/waystation.cedar`, validated against their schema, decided by Cedar.
//!
//! Time travel asks with today's permission: what is decided about is the record as it is now.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression, Schema,
    ValidationMode, Validator,
};
use lru::LruCache;
use waystation_domain::Principal;

use crate::access::Purpose;
use crate::error::AppError;
use crate::ids;

/// The policies as they are shipped.
pub const POLICIES: &str = include_str!("../permissions/waystation.cedar");
/// What they can speak of.
pub const SCHEMA: &str = include_str!("../permissions/waystation.cedarschema");

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident,)+) => {
        /// What somebody wants to do; the actions of the schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $variant,)+ }

        impl Action {
            /// All actions.
            pub const ALL: &'static [Action] = &[$(Action::$variant),+];

            /// The name in policies.
            pub fn as_str(self) -> &'static str {
                match self { $(Action::$variant => stringify!($variant),)+ }
            }
        }
    };
}

actions! {
    /// Stages, obligations, entries under random ids.
    ReadStatus,
    /// Balances, lots, ledgers.
    ReadPoints,
    /// Counts without persons.
    ReadStatistics,
    /// Names and numbers, masked.
    ReadMasked,
    /// Names, numbers, addresses, notes, whole.
    Reveal,
    /// From an identity number or telephone number to a random id.
    FindPeople,
    /// Who read what.
    ReadAccess,
    /// Commands on cases.
    RecordCare,
    /// Awards and reversals.
    RecordPoints,
    /// Redemptions.
    Redeem,
    /// Registering people, contact, protective facts, requests.
    RecordPerson,
    /// Saying that a record is too close to somebody.
    DeclareConflict,
    /// Announcing an emergency, in which to read a record that is not in one's charge.
    BreakGlass,
    /// Saying afterwards whether that was right.
    ReviewGlass,
    /// Restricting, proposing and deciding what needs two.
    DecidePerson,
    /// Drafting, reviewing and publishing the rules of a station.
    DecidePolicy,
    /// The log as it is.
    ReadEvents,
    /// Streams of other tenants: reading them.
    ReadStreams,
    /// Streams of other tenants: writing them.
    WriteEvents,
    /// Projections and verification.
    Administer,
    /// Who may what.
    ManageAccounts,
    /// Checkpoints, proofs, tiles.
    ReadProofs,
}

/// What is read or changed, as far as permissions look at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Station it belongs to; `-` for the installation as a whole.
    pub station: String,
    /// Worker in charge; empty when nobody is.
    pub worker: String,
    /// The person is sealed.
    pub sealed: bool,
    /// Nothing is done with the person's data but keeping it, for a time.
    pub restricted: bool,
    /// The one who asks has announced an emergency about this person, not longer than half an hour ago.
    pub emergency: bool,
    /// It is the record of the one who asks, or of somebody close to them.
    pub conflict: bool,
}

impl Target {
    /// The installation as a whole, or something new.
    pub fn whole() -> Self {
        Self {
            station: "-".into(),
            worker: String::new(),
            sealed: false,
            restricted: false,
            emergency: false,
            conflict: false,
        }
    }

    /// A station as a whole.
    pub fn station(station: &str) -> Self {
        Self {
            station: station.to_owned(),
            ..Self::whole()
        }
    }
}

/// The decider.
pub struct Permissions {
    authorizer: Authorizer,
    policies: PolicySet,
    actions: HashMap<Action, EntityUid>,
    staff: EntityUid,
    record: EntityUid,
    digest: String,
    decided: Mutex<LruCache<(Principal, Action, Target, Purpose), bool>>,
}

/// Decisions kept in memory; the policies do not change while the process runs.
const DECISIONS_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("is not zero");

impl std::fmt::Debug for Permissions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Permissions({})", self.digest)
    }
}

fn broken(what: impl std::fmt::Display) -> AppError {
    AppError::Internal(format!("the permissions do not read: {what}"))
}

impl Permissions {
    /// The shipped policies.
    ///
    /// # Errors
    /// When they do not read or do not fit the schema; a build mistake, found at start-up.
    pub fn shipped() -> Result<Self, AppError> {
        Self::new(POLICIES, SCHEMA)
    }

    /// Policies of one's own, strictly validated.
    ///
    /// # Errors
    /// [`AppError::Internal`] says what does not fit.
    pub fn new(policies: &str, schema: &str) -> Result<Self, AppError> {
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(broken)?;
        let digest = ids::hex(&ids::digest(&[policies.as_bytes()]));
        let policies = PolicySet::from_str(policies).map_err(broken)?;
        let validated = Validator::new(schema).validate(&policies, ValidationMode::Strict);
        if let Some(error) = validated.validation_errors().next() {
            return Err(broken(error));
        }
        let uid = |text: &str| EntityUid::from_str(text).map_err(broken);
        let mut actions = HashMap::new();
        for action in Action::ALL {
            actions.insert(*action, uid(&format!("Action::\"{}\"", action.as_str()))?);
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies,
            actions,
            staff: uid("Staff::\"asking\"")?,
            record: uid("Record::\"asked\"")?,
            digest,
            decided: Mutex::new(LruCache::new(DECISIONS_KEPT_MAX)),
        })
    }

    /// A digest of the policies, for records of access.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether somebody may do something with something.
    ///
    /// # Errors
    /// [`AppError::Internal`] when Cedar cannot decide; then nothing may be done.
    pub fn allows(
        &self,
        principal: &Principal,
        action: Action,
        target: &Target,
        purpose: Purpose,
    ) -> Result<bool, AppError> {
        let key = (principal.clone(), action, target.clone(), purpose);
        let known = self
            .decided
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let decided = self.decide(principal, action, target, purpose)?;
        self.decided
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(key, decided);
        Ok(decided)
    }

    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        target: &Target,
        purpose: Purpose,
    ) -> Result<bool, AppError> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let staff = HashMap::from([
            ("name".to_owned(), text(&principal.id)),
            ("role".to_owned(), text(principal.role.as_str())),
            ("station".to_owned(), text(&principal.station)),
        ]);
        let record = HashMap::from([
            ("station".to_owned(), text(&target.station)),
            ("worker".to_owned(), text(&target.worker)),
            ("sealed".to_owned(), RestrictedExpression::new_bool(target.sealed)),
            (
                "restricted".to_owned(),
                RestrictedExpression::new_bool(target.restricted),
            ),
            ("emergency".to_owned(), RestrictedExpression::new_bool(target.emergency)),
            ("conflict".to_owned(), RestrictedExpression::new_bool(target.conflict)),
        ]);
        let entities = [
            Entity::new(self.staff.clone(), staff, HashSet::new()).map_err(broken)?,
            Entity::new(self.record.clone(), record, HashSet::new()).map_err(broken)?,
        ];
        let entities = Entities::from_entities(entities, None).map_err(broken)?;
        let context = Context::from_pairs([("purpose".to_owned(), text(purpose.as_str()))]).map_err(broken)?;
        let action = self.actions[&action].clone();
        let request = Request::new(self.staff.clone(), action, self.record.clone(), context, None).map_err(broken)?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(broken(error));
        }
        Ok(response.decision() == Decision::Allow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation_domain::Role;

    /// The same rules once more, written by hand as one would explain them: the oracle.
    fn oracle(principal: &Principal, action: Action, target: &Target, purpose: Purpose) -> bool {
        use Action as A;
        if target.conflict {
            return false;
        }
        let own_station = principal.station == target.station;
        let own_case = target.worker.is_empty() || target.worker == principal.id;
        let reads_record = matches!(action, A::ReadStatus | A::ReadPoints | A::ReadMasked | A::Reveal);
        if target.sealed && reads_record && principal.role != Role::PrivacyOfficer {
            return false;
        }
        let names = matches!(action, A::ReadMasked | A::Reveal);
        let in_emergency = target.emergency && purpose == Purpose::BreakGlass;
        if target.restricted
            && names
            && !in_emergency
            && !matches!(principal.role, Role::PrivacyOfficer | Role::Inspector)
        {
            return false;
        }
        if matches!(action, A::ReadProofs | A::DeclareConflict) {
            return true;
        }
        let helps = matches!(principal.role, Role::CaseWorker | Role::Supervisor);
        if helps && in_emergency && reads_record && action != A::ReadPoints {
            return true;
        }
        match principal.role {
            Role::System => true,
            Role::CaseWorker => match action {
                A::ReadStatus | A::ReadPoints | A::ReadMasked | A::ReadStatistics => own_station,
                A::Reveal => own_station && own_case,
                A::RecordCare | A::RecordPoints | A::RecordPerson | A::FindPeople | A::BreakGlass => true,
                _ => false,
            },
            Role::Supervisor => match action {
                A::ReadStatus | A::ReadPoints | A::ReadMasked | A::Reveal | A::ReadStatistics => own_station,
                A::ReadAccess | A::ReviewGlass => own_station,
                A::RecordCare | A::RecordPoints | A::Redeem | A::RecordPerson | A::DecidePerson => true,
                A::DecidePolicy => true,
                A::FindPeople | A::BreakGlass => true,
                _ => false,
            },
            Role::StoreKeeper => action == A::Redeem || action == A::ReadPoints && own_station,
            Role::DistrictOfficer => match action {
                A::ReadStatus | A::ReadPoints | A::ReadStatistics | A::ReviewGlass | A::DecidePolicy => true,
                A::ReadMasked => purpose == Purpose::Supervision,
                _ => false,
            },
            Role::Inspector => matches!(
                action,
                A::ReadStatus
                    | A::ReadPoints
                    | A::ReadMasked
                    | A::ReadStatistics
                    | A::ReadAccess
                    | A::ReadEvents
                    | A::ReadStreams
            ),
            Role::PrivacyOfficer => match action {
                A::DecidePerson | A::RecordPerson | A::ReadAccess | A::ReviewGlass => true,
                A::ReadMasked | A::Reveal | A::FindPeople => purpose == Purpose::SubjectRequest,
                _ => false,
            },
            Role::SystemAdmin => matches!(action, A::Administer | A::ReadStreams | A::WriteEvents),
            Role::Service => matches!(action, A::ReadStreams | A::WriteEvents),
            Role::SecurityAdmin => action == A::ManageAccounts,
            Role::AuditAdmin => action == A::ReadAccess,
        }
    }

    #[test]
    fn the_policies_say_what_the_oracle_says_everywhere() {
        // T-27: every role, action, target and purpose there is.
        let permissions = Permissions::shipped().expect("reads");
        let mut allowed = 0;
        for role in Role::ALL {
            for station in ["here", "there"] {
                let principal = Principal {
                    id: "worker-1".into(),
                    role,
                    station: station.into(),
                };
                for worker in ["", "worker-1", "worker-2", "in-conflict"] {
                    for (place, sealed, restricted, emergency) in [
                        ("here", false, false, false),
                        ("here", true, false, false),
                        ("here", false, true, false),
                        ("here", false, false, true),
                        ("here", true, false, true),
                        ("here", false, true, true),
                        ("here", true, true, true),
                        ("-", false, false, false),
                    ] {
                        let target = Target {
                            station: place.into(),
                            worker: worker.into(),
                            sealed,
                            restricted,
                            emergency,
                            conflict: worker == "in-conflict",
                        };
                        for purpose in Purpose::ALL {
                            for action in Action::ALL {
                                let said = permissions
                                    .allows(&principal, *action, &target, purpose)
                                    .expect("decides");
                                let expected = oracle(&principal, *action, &target, purpose);
                                assert_eq!(said, expected, "{principal:?} {action:?} {target:?} {purpose:?}");
                                allowed += u32::from(said);
                            }
                        }
                    }
                }
            }
        }
        assert!(allowed > 1_000, "{allowed}");
    }

    #[test]
    fn a_policy_with_a_typing_mistake_is_refused_whole() {
        // T-39
        for wrong in [
            POLICIES.replacen("principal.role", "principal.rule", 1),
            POLICIES.replacen("Action::\"Reveal\"", "Action::\"Reveil\"", 1),
            POLICIES.replacen("permit (", "permitt (", 1),
        ] {
            assert!(Permissions::new(&wrong, SCHEMA).is_err());
        }
    }
}
