//! Every fact of the system, by aggregate.

use jiff::civil::Date;

use crate::account::AccountEvent;
use crate::case::CaseEvent;
use crate::kernel::{DecodeError, Event};
use crate::org_unit::OrgUnitEvent;
use crate::person::PersonEvent;
use crate::points::PointsEvent;
use crate::policy_book::PolicyEvent;

/// A fact of Waystation's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// About a care case or its obligations.
    Case(CaseEvent),
    /// About a points account.
    Points(PointsEvent),
    /// About a person's record.
    Person(PersonEvent),
    /// About an account.
    Account(AccountEvent),
    /// About the rules of a station.
    Policy(PolicyEvent),
    /// About an organisation.
    OrgUnit(OrgUnitEvent),
    /// About a person's key; nothing to fold.
    Key,
    /// A claim on a unique value; nothing to fold.
    Claimed,
}

/// Stored type of a claim on a unique value.
pub const CLAIMED: &str = "claim.made.v1";

impl CaseEvent {
    /// The day it happened, as far as the event says; for what the clock noticed, the day that passed.
    pub fn occurred_on(&self) -> Option<Date> {
        Some(match self {
            CaseEvent::OrderRegistered(fact) => fact.notified_on,
            CaseEvent::OrderVaried(fact) => fact.effective_on,
            CaseEvent::OrderRevoked(fact) => fact.effective_on,
            CaseEvent::LostContactRecorded(fact) => fact.on,
            CaseEvent::ContactRestored(fact) => fact.on,
            CaseEvent::DynamicControlEnded(fact) => fact.on,
            CaseEvent::ResultObjected(fact) => fact.on,
            CaseEvent::WarningIssued(fact) => fact.on,
            CaseEvent::RiskScored(fact) => fact.on,
            CaseEvent::RiskClassContested(fact) => fact.on,
            CaseEvent::OrderServed(fact) => fact.on,
            CaseEvent::ReportedIn(fact) => fact.on,
            CaseEvent::ReportInDeadlinePassed(fact) => fact.due_on,
            CaseEvent::AgreementSigned(fact) => fact.on,
            CaseEvent::CaseFileOpened(fact) => fact.on,
            CaseEvent::WorkerAssigned(fact) => fact.from,
            CaseEvent::AgreementAmended(fact) => fact.on,
            CaseEvent::BranchAssigned(fact) => fact.from,
            CaseEvent::CheckInRecorded(fact) => fact.on,
            CaseEvent::TalkRecorded(fact) => fact.on,
            CaseEvent::CaseSuspended(fact) => fact.from,
            CaseEvent::CaseResumed(fact) => fact.on,
            CaseEvent::TermExpired(fact) => fact.ended_on,
            CaseEvent::CaseTerminated(fact) => fact.on,
            CaseEvent::CaseDischarged(fact) => fact.issued_on,
            CaseEvent::ObligationFulfilled(fact) => fact.on,
            CaseEvent::AbsenceReported(fact) => fact.from,
            CaseEvent::ReturnReported(fact) => fact.on,
            CaseEvent::AbsenceExtended(fact) => fact.reported_on,
            CaseEvent::ReleaseHandoverReceived(fact) => fact.received_on,
            CaseEvent::CarePlanDrafted(fact) => fact.on,
            CaseEvent::CarePlanReviewed(fact) => fact.on,
            CaseEvent::SummaryRecorded(fact) => fact.on,
            CaseEvent::DocumentIssued(fact) => fact.on,
            CaseEvent::DocumentServed(fact) => fact.on,
            CaseEvent::ObligationNotified(fact) => fact.on,
            CaseEvent::LeaveApproved(fact) => fact.on,
            CaseEvent::LeaveRefused(fact) => fact.on,
            CaseEvent::TestEntrusted(fact) => fact.on,
            CaseEvent::TestCompelled(fact) => fact.on,
            CaseEvent::HomeVisitRecorded(fact) => fact.on,
            CaseEvent::PhoneCheckRecorded(fact) => fact.on,
            CaseEvent::AbsenceAlleged(fact) => fact.from,
            CaseEvent::TestNoticeServed(fact) => fact.on,
            CaseEvent::SampleCollected(fact) => fact.on,
            CaseEvent::TestResultRecorded(fact) => fact.on,
            CaseEvent::TestRefused(fact) => fact.on,
            CaseEvent::ReferredToPolice(fact) => fact.on,
            CaseEvent::PoliceOutcomeRecorded(fact) => fact.on,
            CaseEvent::ObligationPastDue(fact) => fact.window_to,
            CaseEvent::SupportTeamFormed(fact) => fact.from,
            CaseEvent::ContactVoided(fact) => fact.on,
            CaseEvent::ObligationReopened(fact) => fact.met_on,
            CaseEvent::TransferProposed(fact) => fact.on,
            CaseEvent::TransferMaterialsSent(fact) => fact.on,
            CaseEvent::TransferAccepted(fact) => fact.on,
            CaseEvent::TransferReportedIn(fact) => fact.on,
            CaseEvent::DualControlStarted(fact) => fact.on,
            CaseEvent::DualControlAnswered(fact) => fact.on,
            CaseEvent::DualControlEnded(fact) => fact.on,
            CaseEvent::AbsenceCounted(_)
            | CaseEvent::ObligationExcused(_)
            | CaseEvent::ObligationMissedConfirmed(_)
            | CaseEvent::AbsenceWithdrawn(_)
            | CaseEvent::TestRefusalCounted(_)
            | CaseEvent::TestRefusalWithdrawn(_)
            | CaseEvent::SeriousBreachConfirmed(_)
            | CaseEvent::RelapseConfirmed(_)
            | CaseEvent::BreachWithdrawn(_)
            | CaseEvent::TestVoidProposed(_)
            | CaseEvent::TestVoided(_)
            | CaseEvent::RefusalConfirmed(_)
            | CaseEvent::RiskClassConfirmed(_)
            | CaseEvent::CarePlanApproved(_)
            | CaseEvent::TransferRejected(_)
            | CaseEvent::TransferWithdrawn(_)
            | CaseEvent::TermRecalculated(_)
            | CaseEvent::ObligationOpened(_)
            | CaseEvent::ObligationCancelled(_) => {
                return None;
            }
        })
    }
}

impl Fact {
    /// Reads a stored fact.
    ///
    /// # Errors
    /// [`DecodeError`]; a type of another tenant of the log is [`DecodeError::UnknownType`].
    pub fn decode(event_type: &str, data: &[u8]) -> Result<Fact, DecodeError> {
        match event_type.split('.').next() {
            Some(
                "case" | "obligation" | "absence" | "test" | "breach" | "transfer" | "dual_control" | "team" | "void"
                | "risk" | "visit" | "plan" | "summary" | "document" | "leave",
            ) => CaseEvent::decode(event_type, data).map(Fact::Case),
            Some("points") => PointsEvent::decode(event_type, data).map(Fact::Points),
            Some("person") => PersonEvent::decode(event_type, data).map(Fact::Person),
            Some("account") => AccountEvent::decode(event_type, data).map(Fact::Account),
            Some("policy") => PolicyEvent::decode(event_type, data).map(Fact::Policy),
            Some("orgunit") => OrgUnitEvent::decode(event_type, data).map(Fact::OrgUnit),
            Some("key") => Ok(Fact::Key),
            _ if event_type == CLAIMED => Ok(Fact::Claimed),
            _ => Err(DecodeError::UnknownType(event_type.to_owned())),
        }
    }

    /// The day it happened, as far as the fact says; for what the clock noticed, the day that passed.
    pub fn occurred_on(&self) -> Option<Date> {
        match self {
            Fact::Case(event) => event.occurred_on(),
            Fact::Points(event) => Some(match event {
                PointsEvent::PointsAwarded(fact) => fact.on,
                PointsEvent::PointsAwardReversed(fact) => fact.on,
                PointsEvent::PointsRedeemed(fact) => fact.on,
                PointsEvent::RedemptionCancelled(fact) => fact.on,
                PointsEvent::PointsExpired(fact) => fact.expired_on,
            }),
            Fact::Person(event) => match event {
                PersonEvent::ProtectiveFactRecorded(fact) => Some(fact.from),
                PersonEvent::DeathRecorded(fact) => Some(fact.on),
                PersonEvent::SubjectRequestRegistered(fact) => Some(fact.on),
                _ => None,
            },
            Fact::Policy(PolicyEvent::PolicyPackDrafted(fact)) => Some(fact.valid_from),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitRegistered(fact)) => Some(fact.from),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitMerged(fact)) => Some(fact.on),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitClosed(fact)) => Some(fact.on),
            Fact::Account(_) | Fact::Policy(_) | Fact::Key | Fact::Claimed => None,
        }
    }

    /// The rule or policy key behind it; what somebody gave as a reason is sealed.
    pub fn why(&self) -> Option<&str> {
        match self {
            Fact::Case(CaseEvent::ObligationOpened(fact)) => Some(&fact.source),
            Fact::Case(CaseEvent::SeriousBreachConfirmed(fact)) => Some(&fact.source),
            Fact::Points(PointsEvent::PointsAwarded(fact)) => Some(&fact.source),
            _ => None,
        }
    }

    /// What happened, for people, in English and Chinese.
    pub fn label(&self) -> (&'static str, &'static str) {
        match self {
            Fact::Case(event) => match event {
                CaseEvent::OrderRegistered(_) => ("order registered", "登记决定书"),
                CaseEvent::OrderVaried(_) => ("order varied", "变更决定"),
                CaseEvent::OrderServed(_) => ("order served", "送达决定书"),
                CaseEvent::ReportedIn(_) => ("reported in", "报到"),
                CaseEvent::ReportInDeadlinePassed(_) => ("report-in deadline passed", "逾期未报到"),
                CaseEvent::AgreementSigned(_) => ("agreement signed", "签订协议"),
                CaseEvent::CaseFileOpened(_) => ("case file opened", "建立档案"),
                CaseEvent::WorkerAssigned(_) => ("case worker assigned", "指派专干"),
                CaseEvent::AgreementAmended(_) => ("agreement amended", "变更协议"),
                CaseEvent::BranchAssigned(_) => ("sent to a branch", "分流至分站"),
                CaseEvent::CheckInRecorded(_) => ("check-in", "见面"),
                CaseEvent::TalkRecorded(_) => ("talk", "谈话"),
                CaseEvent::CaseSuspended(_) => ("suspended", "中止"),
                CaseEvent::CaseResumed(_) => ("resumed", "恢复"),
                CaseEvent::TermRecalculated(_) => ("term calculated", "计算期限"),
                CaseEvent::TermExpired(_) => ("term ended", "期限届满"),
                CaseEvent::CaseTerminated(_) => ("terminated", "终止"),
                CaseEvent::CaseDischarged(_) => ("discharged", "解除"),
                CaseEvent::ObligationOpened(_) => ("obligation opened", "产生待办"),
                CaseEvent::ObligationFulfilled(_) => ("obligation fulfilled", "完成待办"),
                CaseEvent::ObligationPastDue(_) => ("obligation past due", "待办逾期"),
                CaseEvent::ObligationCancelled(_) => ("obligation cancelled", "取消待办"),
                CaseEvent::ObligationExcused(_) => ("obligation excused", "免予追究待办"),
                CaseEvent::ObligationMissedConfirmed(_) => ("obligation missed", "认定待办未完成"),
                CaseEvent::AbsenceReported(_) => ("absence reported", "报告外出"),
                CaseEvent::AbsenceExtended(_) => ("absence extended", "延长外出"),
                CaseEvent::LeaveApproved(_) => ("leave approved", "批准外出"),
                CaseEvent::LeaveRefused(_) => ("leave refused", "不予批准外出"),
                CaseEvent::ReleaseHandoverReceived(_) => ("handed over on release", "出所衔接"),
                CaseEvent::CarePlanDrafted(_) => ("care plan drafted", "拟定帮扶计划"),
                CaseEvent::CarePlanApproved(_) => ("care plan approved", "批准帮扶计划"),
                CaseEvent::CarePlanReviewed(_) => ("care plan reviewed", "评估帮扶计划"),
                CaseEvent::SummaryRecorded(_) => ("summary recorded", "阶段小结"),
                CaseEvent::DocumentIssued(_) => ("document issued", "制发文书"),
                CaseEvent::DocumentServed(_) => ("document served", "送达文书"),
                CaseEvent::ObligationNotified(_) => ("told what is owed", "告知待办"),
                CaseEvent::TestEntrusted(_) => ("test entrusted", "委托检测"),
                CaseEvent::TestCompelled(_) => ("test compelled", "强制检测"),
                CaseEvent::HomeVisitRecorded(_) => ("home visit", "家访"),
                CaseEvent::PhoneCheckRecorded(_) => ("call to check", "电话核查"),
                CaseEvent::ReturnReported(_) => ("return reported", "报告返回"),
                CaseEvent::AbsenceAlleged(_) => ("absence alleged", "反映擅自外出"),
                CaseEvent::AbsenceCounted(_) => ("absence counted", "认定擅自外出"),
                CaseEvent::AbsenceWithdrawn(_) => ("absence withdrawn", "撤销外出认定"),
                CaseEvent::TestNoticeServed(_) => ("test notice served", "送达检测通知"),
                CaseEvent::SampleCollected(_) => ("sample collected", "采集样本"),
                CaseEvent::TestResultRecorded(_) => ("test result recorded", "登记检测结果"),
                CaseEvent::TestRefused(_) => ("test refused", "拒绝或逃避检测"),
                CaseEvent::TestRefusalCounted(_) => ("refusal counted", "认定拒绝检测"),
                CaseEvent::TestRefusalWithdrawn(_) => ("refusal withdrawn", "撤销拒检认定"),
                CaseEvent::SeriousBreachConfirmed(_) => ("serious breach confirmed", "认定严重违反协议"),
                CaseEvent::BreachWithdrawn(_) => ("serious breach withdrawn", "撤销严重违反协议认定"),
                CaseEvent::RiskScored(_) => ("risk scored", "风险评分"),
                CaseEvent::RiskClassConfirmed(_) => ("risk class confirmed", "确认风险等级"),
                CaseEvent::RiskClassContested(_) => ("risk class contested", "对风险等级提出异议"),
                CaseEvent::OrderRevoked(_) => ("order revoked", "撤销决定"),
                CaseEvent::LostContactRecorded(_) => ("contact lost", "失联"),
                CaseEvent::ContactRestored(_) => ("contact restored", "恢复联系"),
                CaseEvent::DynamicControlEnded(_) => ("dynamic control ended", "解除动态管控"),
                CaseEvent::ResultObjected(_) => ("result objected to", "对检测结果提出异议"),
                CaseEvent::RefusalConfirmed(_) => ("refusal to report confirmed", "认定拒绝报到"),
                CaseEvent::WarningIssued(_) => ("warning issued", "劝诫或告诫"),
                CaseEvent::SupportTeamFormed(_) => ("support team formed", "组建工作小组"),
                CaseEvent::ContactVoided(_) => ("contact voided", "作废见面或谈话记录"),
                CaseEvent::TestVoidProposed(_) => ("test void proposed", "提出作废检测"),
                CaseEvent::TestVoided(_) => ("test voided", "作废检测"),
                CaseEvent::ObligationReopened(_) => ("obligation reopened", "重新列为待办"),
                CaseEvent::TransferProposed(_) => ("transfer proposed", "提出变更执行地"),
                CaseEvent::TransferMaterialsSent(_) => ("transfer materials sent", "转送变更材料"),
                CaseEvent::TransferAccepted(_) => ("transfer accepted", "同意接收"),
                CaseEvent::TransferRejected(_) => ("transfer rejected", "不予接收"),
                CaseEvent::TransferWithdrawn(_) => ("transfer withdrawn", "撤回变更执行地"),
                CaseEvent::TransferReportedIn(_) => ("reported to the new station", "到新执行地报到"),
                CaseEvent::DualControlStarted(_) => ("dual control started", "发函双向管控"),
                CaseEvent::DualControlAnswered(_) => ("dual control answered", "双向管控复函"),
                CaseEvent::DualControlEnded(_) => ("dual control ended", "结束双向管控"),
                CaseEvent::RelapseConfirmed(_) => ("relapse confirmed", "认定复吸"),
                CaseEvent::ReferredToPolice(_) => ("referred to the police", "报告公安机关"),
                CaseEvent::PoliceOutcomeRecorded(_) => ("police outcome recorded", "登记公安机关处理结果"),
            },
            Fact::Points(event) => match event {
                PointsEvent::PointsAwarded(_) => ("points awarded", "奖励积分"),
                PointsEvent::PointsAwardReversed(_) => ("award reversed", "撤销奖励"),
                PointsEvent::PointsRedeemed(_) => ("points redeemed", "兑换积分"),
                PointsEvent::RedemptionCancelled(_) => ("redemption cancelled", "取消兑换"),
                PointsEvent::PointsExpired(_) => ("points expired", "积分到期"),
            },
            Fact::Person(event) => match event {
                PersonEvent::PersonRegistered(_) => ("person registered", "登记人员"),
                PersonEvent::PersonMoved(_) => ("moved to another station", "转至其他工作站"),
                PersonEvent::ContactUpdated(_) => ("contact updated", "更新联系方式"),
                PersonEvent::ProtectiveFactRecorded(_) => ("protective fact recorded", "登记保护情形"),
                PersonEvent::DeathRecorded(_) => ("death recorded", "登记死亡"),
                PersonEvent::PersonRestricted(_) => ("processing restricted", "限制处理"),
                PersonEvent::RestrictionLifted(_) => ("restriction lifted", "解除限制"),
                PersonEvent::ActProposed(_) => ("act proposed", "提出申请"),
                PersonEvent::ActDeclined(_) => ("act declined", "不予批准"),
                PersonEvent::RecordsSealed(_) => ("records sealed", "封存记录"),
                PersonEvent::SealLifted(_) => ("seal lifted", "解除封存"),
                PersonEvent::ErasureCommitted(_) => ("erasure decided", "决定删除"),
                PersonEvent::IdentityKeyDestroyed(_) => ("keys destroyed", "密钥已销毁"),
                PersonEvent::PersonsMerged(_) => ("persons merged", "合并人员"),
                PersonEvent::PersonSplit(_) => ("persons split", "拆分人员"),
                PersonEvent::SubjectRequestRegistered(_) => ("request registered", "登记本人申请"),
                PersonEvent::SubjectRequestAnswered(_) => ("request answered", "答复本人申请"),
                PersonEvent::GlassBroken(_) => ("emergency announced", "紧急查看"),
                PersonEvent::GlassReviewed(_) => ("emergency reviewed", "复核紧急查看"),
            },
            Fact::Account(AccountEvent::AccountCreated(_)) => ("account created", "建立账户"),
            Fact::Account(AccountEvent::AccountDisabled(_)) => ("account disabled", "停用账户"),
            Fact::Account(AccountEvent::CredentialChanged(_)) => ("credential changed", "更换凭据"),
            Fact::Account(AccountEvent::BudgetSpent(_)) => ("budget spent", "查询次数达上限"),
            Fact::Account(AccountEvent::ConflictDeclared(_)) => ("conflict of interest declared", "申报回避"),
            Fact::Account(AccountEvent::ConflictWithdrawn(_)) => ("conflict of interest withdrawn", "撤销回避"),
            Fact::Policy(PolicyEvent::PolicyPackDrafted(_)) => ("policy pack drafted", "起草政策包"),
            Fact::Policy(PolicyEvent::PolicyPackReviewed(_)) => ("policy pack reviewed", "复核政策包"),
            Fact::Policy(PolicyEvent::PolicyPackPublished(_)) => ("policy pack published", "发布政策包"),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitRegistered(_)) => ("unit registered", "登记机构"),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitMerged(_)) => ("unit merged", "机构合并"),
            Fact::OrgUnit(OrgUnitEvent::OrgUnitClosed(_)) => ("unit closed", "撤销机构"),
            Fact::Key => ("key event", "密钥事件"),
            Fact::Claimed => ("number claimed", "占用文号"),
        }
    }
}
