//! Commands of a person's record.

use tonic::Status;
use waystation_api::v1;
use waystation_app::{App, Envelope, Receipt};
use waystation_domain::account::{DeclareConflict, WithdrawConflict};
use waystation_domain::person::{
    Act, AnswerSubjectRequest, DecideAct, Emergency, LiftRestriction, ProposeAct, ProtectiveKind, RecordDeath,
    RecordProtectiveFact, RegisterPerson, RegisterSubjectRequest, Restrict, ReviewGlass, SubjectRequestKind,
    UpdateContact, VerifiedBy,
};

use super::{CommandMessage, command, derived_id};
use crate::fields::{Fields, optional};
use crate::status::status;

const VERIFIED: [VerifiedBy; 2] = [VerifiedBy::Call, VerifiedBy::Visit];
pub(crate) const ACTS: [Act; 5] = [Act::Seal, Act::LiftSeal, Act::Erase, Act::Merge, Act::Split];
pub(crate) const EMERGENCIES: [Emergency; 4] = [
    Emergency::Medical,
    Emergency::Danger,
    Emergency::Missing,
    Emergency::Other,
];
pub(crate) const REQUEST_KINDS: [SubjectRequestKind; 6] = [
    SubjectRequestKind::Access,
    SubjectRequestKind::Copy,
    SubjectRequestKind::Correct,
    SubjectRequestKind::Restrict,
    SubjectRequestKind::Explain,
    SubjectRequestKind::Erase,
];

/// Makes its record, so that its message has no name of one.
#[tonic::async_trait]
impl CommandMessage for v1::RegisterPersonRequest {
    fn conditions(&self) -> (&str, &str, bool) {
        (&self.request_id, &self.etag, self.validate_only)
    }

    async fn carry_out(self, app: &App, mut fields: Fields, envelope: Envelope) -> Result<(String, Receipt), Status> {
        let id = match self.person_id.as_str() {
            "" => derived_id(envelope.request),
            chosen => fields.id("person_id", chosen),
        };
        fields.finish()?;
        let command = RegisterPerson {
            name: self.name,
            id_number: self.id_number,
            phone: optional(self.phone),
            address: optional(self.address),
            household_org: self.household_org,
        };
        let name = format!("people/{id}");
        let receipt = app.register_person(&id, &command, &envelope).await;
        receipt
            .map(|receipt| (name.clone(), receipt))
            .map_err(|error| status(&error, &name))
    }
}

command!(update_contact, "people", UpdateContactRequest, |m, fields, id, app| {
    UpdateContact {
        phone: optional(m.phone),
        address: optional(m.address),
        verified_by: fields
            .choice("verified_by", m.verified_by, &VERIFIED)
            .unwrap_or(VerifiedBy::Call),
    }
});

command!(person, "people", RecordProtectiveFactRequest, |m, fields, id, app| {
    RecordProtectiveFact {
        kind: fields
            .choice("kind", m.kind, &ProtectiveKind::ALL)
            .unwrap_or(ProtectiveKind::Disabled),
        from: fields.day("from", &m.from),
        to: fields.optional_day("to", &m.to),
        document_no: m.document_no,
    }
});

command!(record_death, "people", RecordDeathRequest, |m, fields, id, app| {
    RecordDeath {
        on: fields.day("on", &m.on),
        document_no: m.document_no,
    }
});

command!(person, "people", RestrictPersonRequest, |m, fields, id, app| Restrict {
    basis: m.basis
});

command!(person, "people", LiftRestrictionRequest, |m, fields, id, app| {
    LiftRestriction { basis: m.basis }
});

command!(
    declare_conflict,
    "people",
    DeclareConflictRequest,
    |m, fields, id, app| {
        DeclareConflict {
            account: fields.name("account", "accounts", &m.account),
            person: id.clone(),
        }
    }
);

command!(
    withdraw_conflict,
    "people",
    WithdrawConflictRequest,
    |m, fields, id, app| {
        WithdrawConflict {
            account: fields.name("account", "accounts", &m.account),
            person: id.clone(),
        }
    }
);

command!(propose_act, "people", ProposeActRequest, |m, fields, id, app| {
    ProposeAct {
        act: fields.choice("act", m.act, &ACTS).unwrap_or(Act::Seal),
        other: optional(m.other).map(|other| fields.name("other", "people", &other)),
        basis: m.basis,
        reason: m.reason,
    }
});

command!(decide_act, "people", DecideActRequest, |m, fields, id, app| DecideAct {
    proposal: fields.number("proposal", m.proposal),
    approve: m.approve,
});

command!(person, "people", RegisterSubjectRequestRequest, |m, fields, id, app| {
    RegisterSubjectRequest {
        kind: fields
            .choice("kind", m.kind, &REQUEST_KINDS)
            .unwrap_or(SubjectRequestKind::Access),
        on: fields.day("on", &m.on),
    }
});

command!(person, "people", AnswerSubjectRequestRequest, |m, fields, id, app| {
    AnswerSubjectRequest {
        request: fields.number("request", m.request),
        granted: m.granted,
        reason: m.reason,
    }
});

command!(break_glass, "people", BreakGlassRequest, |m, fields, id, app| {
    let emergency = fields.choice("emergency", m.emergency, &EMERGENCIES);
    (emergency.unwrap_or(Emergency::Other), m.reason)
});

command!(person, "people", ReviewGlassRequest, |m, fields, id, app| ReviewGlass {
    glass: fields.number("glass", m.glass),
    justified: m.justified,
});
