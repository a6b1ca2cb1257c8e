//! What can have happened to a person's record.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::kernel::events;
use crate::personal::{Field, Personal};

events! {
    /// Every fact of a person's stream.
    PersonEvent {
        /// The station has the person on file.
        "person.registered.v1" => PersonRegistered,
        /// Their case moved to another station, and everything about them with it.
        "person.moved.v1" => PersonMoved,
        /// A new telephone number or address, verified.
        "person.contact_updated.v1" => ContactUpdated,
        /// Something the law protects (禁毒法 39).
        "person.protective_fact_recorded.v1" => ProtectiveFactRecorded,
        /// The person died.
        "person.death_recorded.v1" => DeathRecorded,
        /// Nothing is done with the data but keeping it (个人信息保护法 47).
        "person.restricted.v1" => PersonRestricted,
        /// The restriction ended.
        "person.restriction_lifted.v1" => RestrictionLifted,
        /// One of two people asks for something that needs both.
        "person.act_proposed.v1" => ActProposed,
        /// The other said no.
        "person.act_declined.v1" => ActDeclined,
        /// The record is sealed (治安管理处罚法 136).
        "person.records_sealed.v1" => RecordsSealed,
        /// The seal was lifted.
        "person.seal_lifted.v1" => SealLifted,
        /// Erasure is decided; from here on nothing is read any more.
        "person.erasure_committed.v1" => ErasureCommitted,
        /// The person's keys are gone.
        "person.identity_key_destroyed.v1" => IdentityKeyDestroyed,
        /// This record turned out to be about the same person as another one.
        "person.merged.v1" => PersonsMerged,
        /// It did not.
        "person.split.v1" => PersonSplit,
        /// The person asked for something the law entitles them to.
        "person.subject_request_registered.v1" => SubjectRequestRegistered,
        /// They were answered.
        "person.subject_request_answered.v1" => SubjectRequestAnswered,
        /// Somebody may read this for half an hour, because of an emergency.
        "person.glass_broken.v1" => GlassBroken,
        /// Somebody else said whether that was right.
        "person.glass_reviewed.v1" => GlassReviewed,
    }
}

impl PersonEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        match self {
            PersonEvent::PersonRegistered(fact) => vec![
                (Field::Name, &fact.name),
                (Field::IdNumber, &fact.id_number),
                (Field::Phone, &fact.phone),
                (Field::Address, &fact.address),
            ],
            PersonEvent::ContactUpdated(fact) => vec![(Field::Phone, &fact.phone), (Field::Address, &fact.address)],
            PersonEvent::ProtectiveFactRecorded(fact) => {
                vec![(Field::Protected, &fact.kind), (Field::DocumentNo, &fact.document_no)]
            }
            PersonEvent::DeathRecorded(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            PersonEvent::ActProposed(fact) => vec![(Field::Reason, &fact.reason)],
            PersonEvent::SubjectRequestAnswered(fact) => vec![(Field::Reason, &fact.reason)],
            PersonEvent::GlassBroken(fact) => vec![(Field::Reason, &fact.reason)],
            PersonEvent::PersonRestricted(_)
            | PersonEvent::RestrictionLifted(_)
            | PersonEvent::ActDeclined(_)
            | PersonEvent::RecordsSealed(_)
            | PersonEvent::SealLifted(_)
            | PersonEvent::ErasureCommitted(_)
            | PersonEvent::IdentityKeyDestroyed(_)
            | PersonEvent::PersonsMerged(_)
            | PersonEvent::PersonMoved(_)
            | PersonEvent::PersonSplit(_)
            | PersonEvent::SubjectRequestRegistered(_)
            | PersonEvent::GlassReviewed(_) => Vec::new(),
        }
    }
}

/// As the identity number says it; who takes a sample depends on it (行政案件程序规定 94).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Gender {
    /// 女.
    Female,
    /// 男.
    Male,
}

/// How a new telephone number or address was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerifiedBy {
    /// By calling.
    Call,
    /// By visiting.
    Visit,
}

/// What the law protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProtectiveKind {
    /// 怀孕.
    Pregnant,
    /// 哺乳未满一周岁婴儿.
    NursingUnder1Y,
    /// 未满十六周岁.
    Under16,
    /// 残疾.
    Disabled,
    /// 唯一扶养人.
    SoleCarer,
    /// 涉及公共安全的岗位.
    SafetyCriticalJob,
}

impl ProtectiveKind {
    /// All kinds.
    pub const ALL: [ProtectiveKind; 6] = [
        ProtectiveKind::Pregnant,
        ProtectiveKind::NursingUnder1Y,
        ProtectiveKind::Under16,
        ProtectiveKind::Disabled,
        ProtectiveKind::SoleCarer,
        ProtectiveKind::SafetyCriticalJob,
    ];

    /// The name it is sealed under.
    pub fn as_str(self) -> &'static str {
        match self {
            ProtectiveKind::Pregnant => "PREGNANT",
            ProtectiveKind::NursingUnder1Y => "NURSING_UNDER_1Y",
            ProtectiveKind::Under16 => "UNDER_16",
            ProtectiveKind::Disabled => "DISABLED",
            ProtectiveKind::SoleCarer => "SOLE_CARER",
            ProtectiveKind::SafetyCriticalJob => "SAFETY_CRITICAL_JOB",
        }
    }

    /// The kind of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What needs two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Act {
    /// Seal the record.
    Seal,
    /// Lift the seal.
    LiftSeal,
    /// Destroy the person's keys.
    Erase,
    /// This record is about the same person as another.
    Merge,
    /// It is not.
    Split,
}

/// What a person may ask for (个人信息保护法 45 to 48).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubjectRequestKind {
    /// To see what is held.
    Access,
    /// A copy.
    Copy,
    /// A correction.
    Correct,
    /// That nothing but keeping is done.
    Restrict,
    /// An explanation.
    Explain,
    /// Erasure.
    Erase,
}

/// What kind of emergency lets read a record that is not in one's charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Emergency {
    /// 急救.
    Medical,
    /// 人身安全.
    Danger,
    /// 失踪.
    Missing,
    /// 其他.
    Other,
}

/// See [`PersonEvent::PersonRegistered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRegistered {
    /// Station that has the person on file.
    pub station: String,
    /// Place of household registration, as a code.
    pub household_org: String,
    /// Name.
    #[serde(default, skip_serializing)]
    pub name: Personal,
    /// Identity number.
    #[serde(default, skip_serializing)]
    pub id_number: Personal,
    /// Telephone number.
    #[serde(default, skip_serializing)]
    pub phone: Personal,
    /// Address.
    #[serde(default, skip_serializing)]
    pub address: Personal,
}

/// See [`PersonEvent::ContactUpdated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactUpdated {
    /// How it was verified.
    pub verified_by: VerifiedBy,
    /// New telephone number, if it changed.
    #[serde(default, skip_serializing)]
    pub phone: Personal,
    /// New address, if it changed.
    #[serde(default, skip_serializing)]
    pub address: Personal,
}

/// See [`PersonEvent::ProtectiveFactRecorded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectiveFactRecorded {
    /// What: the name of a [`ProtectiveKind`], sealed.
    #[serde(default, skip_serializing)]
    pub kind: Personal,
    /// First day.
    pub from: Date,
    /// Last day, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Number of the document that shows it.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// See [`PersonEvent::DeathRecorded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeathRecorded {
    /// Day.
    pub on: Date,
    /// Number of the document that shows it.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// See [`PersonEvent::PersonRestricted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRestricted {
    /// Legal basis, as a code.
    pub basis: String,
}

/// See [`PersonEvent::RestrictionLifted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictionLifted {
    /// Legal basis, as a code.
    pub basis: String,
}

/// See [`PersonEvent::ActProposed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActProposed {
    /// Number within the record, from 1.
    pub proposal: u32,
    /// What.
    pub act: Act,
    /// Person it is also about, for merging and splitting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Legal basis, as a code.
    pub basis: String,
    /// Who proposes.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// See [`PersonEvent::ActDeclined`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActDeclined {
    /// Which proposal.
    pub proposal: u32,
}

/// See [`PersonEvent::RecordsSealed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsSealed {
    /// Which proposal.
    pub proposal: u32,
}

/// See [`PersonEvent::SealLifted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealLifted {
    /// Which proposal.
    pub proposal: u32,
}

/// See [`PersonEvent::ErasureCommitted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureCommitted {
    /// Which proposal.
    pub proposal: u32,
}

/// See [`PersonEvent::IdentityKeyDestroyed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityKeyDestroyed {
    /// Versions of the person's key that were destroyed.
    pub key_versions: Vec<u32>,
}

/// See [`PersonEvent::PersonsMerged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonsMerged {
    /// Which proposal.
    pub proposal: u32,
    /// The person under whose record this one goes on.
    pub survivor: String,
}

/// See [`PersonEvent::PersonMoved`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonMoved {
    /// The station whose case it was; a file that lies elsewhere stays there.
    pub from: String,
    /// The station that has them on file from here on.
    pub station: String,
}

/// See [`PersonEvent::PersonSplit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSplit {
    /// Which proposal.
    pub proposal: u32,
    /// The person this record had been taken for.
    pub from: String,
}

/// See [`PersonEvent::SubjectRequestRegistered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRequestRegistered {
    /// Number within the record, from 1.
    pub request: u32,
    /// What for.
    pub kind: SubjectRequestKind,
    /// Day.
    pub on: Date,
}

/// See [`PersonEvent::SubjectRequestAnswered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRequestAnswered {
    /// Which request.
    pub request: u32,
    /// They got what they asked for.
    pub granted: bool,
    /// What they were told.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// See [`PersonEvent::GlassBroken`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassBroken {
    /// Number within the record, from 1.
    pub glass: u32,
    /// Who reads.
    pub by: String,
    /// What kind of emergency.
    pub emergency: Emergency,
    /// Until when, microseconds since 1970 UTC.
    pub until_us: i64,
    /// What happened.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// See [`PersonEvent::GlassReviewed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassReviewed {
    /// Which one.
    pub glass: u32,
    /// They were right.
    pub justified: bool,
}
