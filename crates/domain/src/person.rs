//! A person on file: who it is, sealed under a key of their own; how long the station may keep that; and who decided.
//!
//! What needs two people (sealing, lifting a seal, erasure, merging, splitting) is proposed by one and decided by another.

pub mod event;
pub mod state;

mod answer_subject_request;
mod break_glass;
mod confirm_erasure;
mod decide_act;
mod identity;
mod propose_act;
mod record_death;
mod record_protective_fact;
mod register_person;
mod register_subject_request;
mod restrict;
mod retention;
mod rules;
mod update_contact;

pub use answer_subject_request::AnswerSubjectRequest;
pub use break_glass::{BreakGlass, GLASS_MINUTES, GLASSES_A_DAY_MAX, REVIEW_HOURS, ReviewGlass};
pub use confirm_erasure::ConfirmErasure;
pub use decide_act::DecideAct;
pub use event::{
    Act, ActDeclined, ActProposed, ContactUpdated, DeathRecorded, Emergency, ErasureCommitted, Gender, GlassBroken,
    GlassReviewed, IdentityKeyDestroyed, PersonEvent, PersonMoved, PersonRegistered, PersonRestricted, PersonSplit,
    PersonsMerged, ProtectiveFactRecorded, ProtectiveKind, RecordsSealed, RestrictionLifted, SealLifted,
    SubjectRequestAnswered, SubjectRequestKind, SubjectRequestRegistered, VerifiedBy,
};
pub use identity::{IdNumber, check_digit, is_personal_number, normalise_name, normalise_phone};
pub use propose_act::ProposeAct;
pub use record_death::RecordDeath;
pub use record_protective_fact::RecordProtectiveFact;
pub use register_person::RegisterPerson;
pub use register_subject_request::RegisterSubjectRequest;
pub use restrict::{LiftRestriction, Restrict};
pub use retention::check_retention;
pub use state::Person;
pub use update_contact::UpdateContact;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Role;
    use crate::rejection::Reason;
    use crate::spec::{Given, given};

    pub(super) fn registration() -> RegisterPerson {
        RegisterPerson {
            name: "王小明".into(),
            id_number: "11010519491231002X".into(),
            phone: Some("13800138000".into()),
            address: Some("青龙山街道1号".into()),
            household_org: "QINGZHEN".into(),
        }
    }

    pub(super) fn registered() -> Given<Person> {
        given::<Person>([]).then(&registration())
    }

    fn propose(act: Act) -> ProposeAct {
        ProposeAct {
            act,
            other: None,
            basis: "PIPL-47".into(),
            reason: "本人申请".into(),
        }
    }

    #[test]
    fn two_people_erase_and_nothing_is_recorded_about_the_person_afterwards() {
        let proposed = registered().by("leader-1", Role::Supervisor).then(&propose(Act::Erase));
        let approve = DecideAct {
            proposal: 1,
            approve: true,
        };
        assert_eq!(proposed.reason(&approve), Reason::SamePersonForbidden);
        assert_eq!(
            registered().reason(&approve),
            Reason::RoleRequired,
            "a case worker decides nothing"
        );
        let committed = proposed.by("privacy-1", Role::PrivacyOfficer).then(&approve);
        assert!(committed.state().erasure_committed && !committed.state().erased);
        let contact = UpdateContact {
            phone: Some("13800138001".into()),
            address: None,
            verified_by: VerifiedBy::Call,
        };
        let worker = committed.by("worker-1", Role::CaseWorker);
        assert_eq!(worker.reason(&contact), Reason::PersonErased);
        let done = worker
            .by("system", Role::System)
            .then(&ConfirmErasure { key_versions: vec![1] });
        assert!(done.state().erased);
        assert!(
            done.when(&ConfirmErasure { key_versions: vec![1] })
                .is_ok_and(|again| again.is_empty())
        );
    }

    #[test]
    fn a_declined_act_does_nothing_and_cannot_be_decided_again() {
        let proposed = registered().by("leader-1", Role::Supervisor).then(&propose(Act::Seal));
        let no = DecideAct {
            proposal: 1,
            approve: false,
        };
        let declined = proposed.by("leader-2", Role::Supervisor).then(&no);
        assert!(!declined.state().sealed);
        assert_eq!(declined.reason(&no), Reason::ProposalNotFound);
    }

    #[test]
    fn a_seal_closes_the_record_until_two_people_lift_it() {
        let yes = |proposal| DecideAct {
            proposal,
            approve: true,
        };
        let sealed = registered()
            .by("leader-1", Role::Supervisor)
            .then(&propose(Act::Seal))
            .by("privacy-1", Role::PrivacyOfficer)
            .then(&yes(1));
        assert!(sealed.state().sealed);
        let contact = UpdateContact {
            phone: Some("13800138001".into()),
            address: None,
            verified_by: VerifiedBy::Visit,
        };
        let sealed = sealed.by("worker-1", Role::CaseWorker);
        assert_eq!(sealed.reason(&contact), Reason::PersonSealed);
        let lifted = sealed
            .by("leader-1", Role::Supervisor)
            .then(&propose(Act::LiftSeal))
            .by("privacy-1", Role::PrivacyOfficer)
            .then(&yes(2));
        assert!(!lifted.state().sealed);
    }

    #[test]
    fn a_merge_names_another_person_and_a_split_undoes_it() {
        let merge = ProposeAct {
            other: Some("p-2".into()),
            ..propose(Act::Merge)
        };
        let leader = registered().by("leader-1", Role::Supervisor);
        assert_eq!(leader.reason(&propose(Act::Merge)), Reason::FieldInvalid);
        let yes = |proposal| DecideAct {
            proposal,
            approve: true,
        };
        let merged = leader.then(&merge).by("leader-2", Role::Supervisor).then(&yes(1));
        assert_eq!(merged.state().merged_into.as_deref(), Some("p-2"));
        let split = ProposeAct {
            act: Act::Split,
            ..merge.clone()
        };
        let split = merged
            .by("leader-1", Role::Supervisor)
            .then(&split)
            .by("leader-2", Role::Supervisor)
            .then(&yes(2));
        assert_eq!(split.state().merged_into, None);
    }

    #[test]
    fn requests_of_the_person_are_answered_once() {
        let ask = RegisterSubjectRequest {
            kind: SubjectRequestKind::Access,
            on: jiff::civil::date(2026, 3, 2),
        };
        let answer = AnswerSubjectRequest {
            request: 1,
            granted: true,
            reason: "已提供".into(),
        };
        let asked = registered().then(&ask).by("leader-1", Role::Supervisor);
        assert_eq!(asked.then(&answer).reason(&answer), Reason::RequestNotFound);
    }
}
