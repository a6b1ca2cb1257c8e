//! Every method there is, and the action it asks permission for. A method that is not listed is refused.

use waystation_app::Action;

/// What a method is, to permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Anybody may ask, without saying who they are.
    Open,
    /// Whoever has an account may, about themselves.
    Own,
    /// Needs permission.
    Needs(Action),
}

use Method::{Needs, Open, Own};

/// Service, methods, what they need; `*` for all other methods of a service.
const METHODS: &[(&str, &[&str], Method)] = &[
    ("grpc.health.v1.Health", &["*"], Open),
    ("grpc.reflection.v1.ServerReflection", &["*"], Open),
    ("grpc.reflection.v1alpha.ServerReflection", &["*"], Open),
    ("event_store.client.server_features.ServerFeatures", &["*"], Open),
    ("event_store.client.gossip.Gossip", &["*"], Open),
    ("waystation.v1.SessionService", &["LogIn"], Open),
    (
        "waystation.v1.SessionService",
        &["LogOut", "SetPassword", "BeginSecondFactor", "ConfirmSecondFactor"],
        Own,
    ),
    (
        "waystation.v1.CaseService",
        &[
            "RegisterOrder",
            "VaryOrder",
            "RecordService",
            "ReportIn",
            "SignAgreement",
            "OpenCaseFile",
            "AmendAgreement",
            "AssignToBranch",
            "AssignWorker",
            "RecordCheckIn",
            "RecordTalk",
            "FormSupportTeam",
            "VoidContact",
            "RecordHomeVisit",
            "RecordPhoneCheck",
            "RecordReleaseHandover",
            "DraftCarePlan",
            "ApproveCarePlan",
            "ReviewCarePlan",
            "RecordSummary",
            "IssueDocument",
            "ServeDocument",
            "RevokeOrder",
            "ConfirmRefusal",
            "MarkLostContact",
            "MarkFound",
            "EndDynamicControl",
            "Suspend",
            "Resume",
            "Terminate",
            "RecordDischargeNotice",
        ],
        Needs(Action::RecordCare),
    ),
    (
        "waystation.v1.ComplianceService",
        &[
            "FileAbsenceReport",
            "ReportReturn",
            "ExtendAbsence",
            "ApproveLeave",
            "RefuseLeave",
            "EntrustTest",
            "RecordCompelledTest",
            "NotifyObligation",
            "AllegeAbsence",
            "ConfirmAbsence",
            "WithdrawAbsence",
            "ServeTestNotice",
            "RecordSample",
            "RecordTestResult",
            "RecordTestRefusal",
            "ConfirmTestRefusal",
            "WithdrawTestRefusal",
            "ConfirmSeriousBreach",
            "ReferToPolice",
            "RecordPoliceOutcome",
            "ExcuseObligation",
            "ConfirmMissed",
            "ConfirmRelapse",
            "ProposeTestVoid",
            "ConfirmTestVoid",
            "LodgeObjection",
            "IssueWarning",
            "ScoreRisk",
            "ConfirmRiskClass",
            "ContestRiskClass",
        ],
        Needs(Action::RecordCare),
    ),
    (
        "waystation.v1.ComplianceService",
        &["GetCompliance", "SimulatePolicy"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.CaseService",
        &["GetCase", "ListCases", "ListAgenda", "WatchCases"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.CaseService",
        &["GetStationStatistics"],
        Needs(Action::ReadStatistics),
    ),
    (
        "waystation.v1.TransferService",
        &[
            "ProposeTransfer",
            "SendTransferMaterials",
            "AcceptTransfer",
            "RejectTransfer",
            "WithdrawTransfer",
            "ReportInAfterTransfer",
            "StartDualControl",
            "AnswerDualControl",
            "EndDualControl",
        ],
        Needs(Action::RecordCare),
    ),
    (
        "waystation.v1.PolicyService",
        &["DraftPolicyPack", "ReviewPolicyPack", "PublishPolicyPack"],
        Needs(Action::DecidePolicy),
    ),
    (
        "waystation.v1.PolicyService",
        &["ListPolicyValues"],
        Needs(Action::ReadStatistics),
    ),
    (
        "waystation.v1.InspectionService",
        &["ListFindings", "DrawSample", "ListDocuments"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.RegisterService",
        &[
            "ListTests",
            "ListContacts",
            "ListAbsences",
            "ListBreaches",
            "ListRisks",
            "ListCounters",
            "ListProgrammeYears",
        ],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.OrgService",
        &["RegisterOrgUnit", "MergeOrgUnit", "CloseOrgUnit"],
        Needs(Action::DecidePolicy),
    ),
    (
        "waystation.v1.OrgService",
        &["GetStatisticsUnder"],
        Needs(Action::ReadStatistics),
    ),
    (
        "waystation.v1.InspectionService",
        &["ListRoles", "ListWorkload"],
        Needs(Action::ReadStatistics),
    ),
    (
        "waystation.v1.TransferService",
        &["ListTransfers"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.CommandService",
        &["ExecuteCommands"],
        Needs(Action::RecordCare),
    ),
    (
        "waystation.v1.PointsService",
        &["AwardPoints", "AwardPointsManually", "ReverseAward"],
        Needs(Action::RecordPoints),
    ),
    (
        "waystation.v1.PointsService",
        &["RedeemPoints", "CancelRedemption"],
        Needs(Action::Redeem),
    ),
    (
        "waystation.v1.PointsService",
        &["GetPointsAccount", "ListPointsAccounts", "ListLedger"],
        Needs(Action::ReadPoints),
    ),
    (
        "waystation.v1.PersonService",
        &[
            "RegisterPerson",
            "UpdateContact",
            "RecordProtectiveFact",
            "RecordDeath",
            "RegisterSubjectRequest",
        ],
        Needs(Action::RecordPerson),
    ),
    (
        "waystation.v1.PersonService",
        &[
            "RestrictPerson",
            "LiftRestriction",
            "WithdrawConflict",
            "ProposeAct",
            "DecideAct",
            "AnswerSubjectRequest",
        ],
        Needs(Action::DecidePerson),
    ),
    (
        "waystation.v1.PersonService",
        &["DeclareConflict"],
        Needs(Action::DeclareConflict),
    ),
    (
        "waystation.v1.PersonService",
        &["BreakGlass"],
        Needs(Action::BreakGlass),
    ),
    (
        "waystation.v1.PersonService",
        &["ReviewGlass", "ListEmergencies"],
        Needs(Action::ReviewGlass),
    ),
    ("waystation.v1.PersonService", &["GetPerson"], Needs(Action::ReadMasked)),
    (
        "waystation.v1.PersonService",
        &["ListPeople"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.PersonService",
        &["FindPeople"],
        Needs(Action::FindPeople),
    ),
    (
        "waystation.v1.PersonService",
        &["ListAccess"],
        Needs(Action::ReadAccess),
    ),
    (
        "waystation.v1.AuditService",
        &["ListAuditEntries", "ReplayCase", "WatchAuditEntries"],
        Needs(Action::ReadStatus),
    ),
    (
        "waystation.v1.AuditService",
        &[
            "GetCheckpoint",
            "GetInclusionProof",
            "GetConsistencyProof",
            "GetReceipt",
            "GetTile",
        ],
        Needs(Action::ReadProofs),
    ),
    ("waystation.v1.AuditService", &["RevealEntry"], Needs(Action::Reveal)),
    (
        "waystation.v1.AuditService",
        &["GetEntryBundle"],
        Needs(Action::ReadEvents),
    ),
    (
        "waystation.v1.AdminService",
        &["ListProjections", "GetProjection", "RebuildProjection", "Verify"],
        Needs(Action::Administer),
    ),
    (
        "waystation.v1.AdminService",
        &["CreateAccount", "DisableAccount"],
        Needs(Action::ManageAccounts),
    ),
    (
        "event_store.client.streams.Streams",
        &["Read"],
        // What of the log as it is, is asked where it is known.
        Needs(Action::ReadStreams),
    ),
    ("event_store.client.streams.Streams", &["*"], Needs(Action::WriteEvents)),
    (
        "event_store.client.persistent_subscriptions.PersistentSubscriptions",
        &["Read", "GetInfo", "List"],
        Needs(Action::ReadStreams),
    ),
    (
        "event_store.client.persistent_subscriptions.PersistentSubscriptions",
        &["*"],
        Needs(Action::WriteEvents),
    ),
    (
        "event_store.client.monitoring.Monitoring",
        &["*"],
        Needs(Action::Administer),
    ),
    (
        "event_store.client.operations.Operations",
        &["*"],
        Needs(Action::Administer),
    ),
    ("event_store.client.users.Users", &["ChangePassword"], Own),
    ("event_store.client.users.Users", &["*"], Needs(Action::ManageAccounts)),
    (
        "kurrentdb.protocol.v2.streams.StreamsService",
        &["*"],
        Needs(Action::WriteEvents),
    ),
];

/// What the method of a path needs; `None` for a path that is not listed.
pub(crate) fn of(path: &str) -> Option<Method> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let listed = METHODS.iter().filter(|(name, ..)| *name == service);
    let mut rest = None;
    for (_, methods, needs) in listed {
        if methods.contains(&method) {
            return Some(*needs);
        }
        if methods == &["*"] {
            rest = Some(*needs);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_is_served_is_listed() {
        // T-22: a method without an entry is refused, so a new one cannot slip past permissions; here it fails the build.
        let set = waystation_api::descriptors();
        let mut missing = Vec::new();
        let mut found = 0;
        for file in set.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    found += 1;
                    if of(&path).is_none() {
                        missing.push(path);
                    }
                }
            }
        }
        assert!(found > 50, "{found}");
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(of("/waystation.v1.CaseService/NoSuchMethod"), None);
        assert_eq!(of("/no.such.Service/Read"), None);
    }
}
