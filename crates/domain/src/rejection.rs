//! Every way the domain says no: one table, with a stable code, a kind, and texts in two languages.

use std::fmt;

/// What a transport needs to know to answer properly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// A field is wrong in itself.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// This role may not do it.
    Forbidden,
    /// The state of the record does not allow it.
    Precondition,
}

macro_rules! reasons {
    ($($variant:ident $code:literal $kind:ident $en:literal $zh:literal,)+) => {
        /// The rule that says no.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each variant's English text is its documentation")]
        pub enum Reason { $($variant,)+ }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// The stable code that clients match on.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$variant => $code,)+ }
            }

            /// What kind of no it is.
            pub fn kind(self) -> RejectionKind {
                match self { $(Reason::$variant => RejectionKind::$kind,)+ }
            }

            /// English text: lower case, no full stop.
            pub fn english(self) -> &'static str {
                match self { $(Reason::$variant => $en,)+ }
            }

            /// Chinese text.
            pub fn chinese(self) -> &'static str {
                match self { $(Reason::$variant => $zh,)+ }
            }
        }
    };
}

reasons! {
    FieldInvalid "FIELD_INVALID" Invalid "the field is not of the expected form" "字段格式不正确",
    DateOutOfRange "DATE_OUT_OF_RANGE" Invalid "the date must lie between 1990-01-01 and 2199-12-31" "日期须在1990-01-01至2199-12-31之间",
    OccurredInFuture "OCCURRED_IN_FUTURE" Invalid "the date lies in the future" "日期不能晚于今天",
    OccurredBeforeCase "OCCURRED_BEFORE_CASE" Invalid "the date lies before the case allows it" "日期早于本案允许的最早日期",
    BackdateNeedsReason "BACKDATE_NEEDS_REASON" Precondition "recorded this late, a reason code is needed" "补录超过规定天数，须填写补录原因",
    TermNotAllowed "TERM_NOT_ALLOWED" Invalid "the term is not one the law allows for this programme" "期限不符合该措施的法定期限",
    ReleaseReferenceRequired "RELEASE_REFERENCE_REQUIRED" Invalid "community rehabilitation needs the release certificate's number" "社区康复须填写解除强制隔离戒毒证明文号",
    OrderNumberInUse "ORDER_NUMBER_IN_USE" AlreadyExists "another case has this order number" "该决定书文号已登记在另一案件",
    CaseExists "CASE_EXISTS" AlreadyExists "the case exists already" "该案件已存在",
    CaseNotFound "CASE_NOT_FOUND" NotFound "there is no such case" "找不到该案件",
    BadState "BAD_STATE" Precondition "the case is not in a state that allows this" "案件当前状态不允许此操作",
    CaseClosed "CASE_CLOSED" Precondition "the case is closed" "案件已结束",
    JustificationRequired "JUSTIFICATION_REQUIRED" Precondition "a late report needs an accepted justification" "逾期报到须有经认可的正当理由",
    RoleRequired "ROLE_REQUIRED" Forbidden "this role may not do this" "当前角色无权执行此操作",
    ConflictOfInterest "CONFLICT_OF_INTEREST" Forbidden "the record is of the member of staff or of somebody close to them" "该档案涉及工作人员本人或其近亲属，应当回避",
    StationOutOfScope "STATION_OUT_OF_SCOPE" Forbidden "the record belongs to another station" "该档案不属于本站",
    IdentityNotChecked "IDENTITY_NOT_CHECKED" Precondition "identity must be checked when somebody reports" "报到时须核验身份",
    ClauseMissing "CLAUSE_MISSING" Invalid "the agreement lacks a mandatory clause" "协议缺少必备条款",
    FileAlreadyOpen "FILE_ALREADY_OPEN" Precondition "the case file is open already" "档案已建立",
    AbsenceNotFound "ABSENCE_NOT_FOUND" NotFound "the case has no absence of this number" "找不到该编号的外出记录",
    AbsenceOverlaps "ABSENCE_OVERLAPS" Precondition "another absence of the case holds these days" "与已登记的外出日期重叠",
    AbsenceTooShort "ABSENCE_TOO_SHORT" Invalid "so few days need no report" "外出天数未达到须报告的天数",
    DuringSuspension "DURING_SUSPENSION" Precondition "the programme was suspended on these days" "该期间措施处于中止状态",
    RefusedThatDay "REFUSED_THAT_DAY" Precondition "a refusal of that day is recorded already; one day counts once" "当日已登记拒检，一日只计一次",
    NotReferred "NOT_REFERRED" Precondition "the police have not been told" "尚未报告公安机关",
    AbsenceDecided "ABSENCE_DECIDED" Precondition "this has been decided about the absence, or it is of another kind" "该外出记录已处理或不适用此操作",
    ReportTooLate "REPORT_TOO_LATE" Invalid "an absence is reported before it begins" "外出须事先报告",
    TestNotFound "TEST_NOT_FOUND" NotFound "the case has no test of this number" "找不到该编号的检测",
    TestDoesNotFit "TEST_DOES_NOT_FIT" Precondition "the test is not at a point that allows this" "该检测当前步骤不允许此操作",
    CollectorGender "COLLECTOR_GENDER" Invalid "urine is taken by somebody of the participant's gender" "尿样须由同性工作人员采集",
    NotYetEvaded "NOT_YET_EVADED" Invalid "the last day to come is not over" "检测期限尚未届满",
    ObligationNotFound "OBLIGATION_NOT_FOUND" NotFound "the participant owes nothing of this number" "找不到该编号的待办",
    NotPastDue "NOT_PAST_DUE" Precondition "its last day has not passed, as far as the clock has seen" "该待办尚未逾期",
    MissedAlready "MISSED_ALREADY" Precondition "it is confirmed as missed already" "该待办已认定为未完成",
    ThresholdNotReached "THRESHOLD_NOT_REACHED" Precondition "what counts does not reach the threshold" "累计尚未达到严重违反协议的标准",
    BreachDecided "BREACH_DECIDED" Precondition "a breach was confirmed on this evidence already" "该证据已用于认定严重违反协议",
    AlreadyReferred "ALREADY_REFERRED" Precondition "the police have been told already" "已报告公安机关",
    ContactNotFound "CONTACT_NOT_FOUND" NotFound "the event is no check-in or talk of the case" "该事件不是本案的见面或谈话",
    ContactVoid "CONTACT_VOID" Precondition "it is void already" "该记录已作废",
    TestVoid "TEST_VOID" Precondition "the test is void already" "该检测已作废",
    VoidProposed "VOID_PROPOSED" Precondition "somebody has proposed to void it already" "已提出作废",
    NoVoidProposed "NO_VOID_PROPOSED" Precondition "nobody has proposed to void it" "尚未提出作废",
    RelapseRestsOnIt "RELAPSE_RESTS_ON_IT" Precondition "a relapse that was confirmed rests on this test" "已据该检测认定复吸",
    PackExists "PACK_EXISTS" AlreadyExists "the station has a pack of this name already" "已有同名政策包",
    PackNotFound "PACK_NOT_FOUND" NotFound "the station has no pack of this name" "找不到该政策包",
    PackDoesNotFit "PACK_DOES_NOT_FIT" Precondition "the pack is not at a point that allows this" "该政策包当前步骤不允许此操作",
    NotOverridable "NOT_OVERRIDABLE" Precondition "a statute gives this value; a station cannot" "该值由法律法规规定，本站不得变更",
    Retroactive "RETROACTIVE" Invalid "a pack for days that have passed has to say so" "追溯适用的政策包须注明",
    StationTooLarge "STATION_TOO_LARGE" Precondition "the station has more cases than one inspection looks at" "该站案件数超过一次检查的上限",
    NotScored "NOT_SCORED" Precondition "the risk has not been scored" "尚未进行风险评分",
    ReasonRequired "REASON_REQUIRED" Invalid "another class than the proposed one needs a reason" "与建议等级不同须填写理由",
    UnitExists "UNIT_EXISTS" AlreadyExists "there is a unit of this code already" "该机构已存在",
    UnitNotFound "UNIT_NOT_FOUND" NotFound "there is no unit of this code" "找不到该机构",
    UnitOver "UNIT_OVER" Precondition "the unit has merged or closed" "该机构已合并或撤销",
    PlanNotFound "PLAN_NOT_FOUND" NotFound "the case has no care plan of this number" "找不到该编号的帮扶计划",
    PlanDoesNotFit "PLAN_DOES_NOT_FIT" Precondition "the care plan is not at a point that allows this" "该帮扶计划当前步骤不允许此操作",
    DocumentNotFound "DOCUMENT_NOT_FOUND" NotFound "the case has no document of this number" "找不到该编号的文书",
    DocumentServed "DOCUMENT_SERVED" Precondition "the document has been served already" "该文书已送达",
    DocumentNumberInUse "DOCUMENT_NUMBER_IN_USE" AlreadyExists "the number is used in this kind and year already" "该文书编号本年度已使用",
    ApprovalNotAsked "APPROVAL_NOT_ASKED" Precondition "the station asks for a report, and for no approval" "本站外出实行报告制，无须批准",
    LeaveBegun "LEAVE_BEGUN" Precondition "leave is refused before it begins" "不予批准须在外出开始之前作出",
    NotEntrusted "NOT_ENTRUSTED" Precondition "nobody is entrusted with the test on that day" "该日未委托外单位检测",
    NotARelease "NOT_A_RELEASE" Precondition "only rehabilitation begins with a handover" "仅社区康复有出所衔接",
    HandedOverAlready "HANDED_OVER_ALREADY" Precondition "the handover is recorded already" "出所衔接已登记",
    LostAlready "LOST_ALREADY" Precondition "contact is recorded as lost already" "已登记失联",
    NotLost "NOT_LOST" Precondition "contact is not recorded as lost" "未登记失联",
    ControlEnded "CONTROL_ENDED" Precondition "dynamic control has ended already" "已解除动态管控",
    RelapseOnRecord "RELAPSE_ON_RECORD" Precondition "a relapse is on record" "有复吸记录",
    ObjectionTooLate "OBJECTION_TOO_LATE" Invalid "the days in which to object are over" "已超过提出异议的期限",
    NotAdmonished "NOT_ADMONISHED" Precondition "an admonition comes before a warning" "须先劝诫后告诫",
    SameStation "SAME_STATION" Invalid "it is the station that has the case already" "该案件已由本站执行",
    NoTransfer "NO_TRANSFER" Precondition "no transfer is under way, or it is over" "没有进行中的变更执行地",
    TransferAccepted "TRANSFER_ACCEPTED" Precondition "the transfer has been accepted already" "该变更已同意接收",
    NotAccepted "NOT_ACCEPTED" Precondition "the other station has not accepted the transfer" "接收站尚未同意接收",
    MaterialsNotSent "MATERIALS_NOT_SENT" Precondition "the materials have not been sent" "材料尚未转送",
    NoDualControl "NO_DUAL_CONTROL" Precondition "the case is not under dual control" "该案件未实行双向管控",
    UnderDualControl "UNDER_DUAL_CONTROL" Precondition "the case is under dual control already" "该案件已实行双向管控",
    DualControlAnswered "DUAL_CONTROL_ANSWERED" Precondition "the letter has been answered already" "该函已复",
    UseTerminate "USE_TERMINATE" Precondition "imprisonment ends the case; it does not suspend it" "判处徒刑应终止而非中止",
    NotExpired "NOT_EXPIRED" Precondition "the term has not ended" "期限尚未届满",
    ListEmpty "LIST_EMPTY" Invalid "at least one entry is needed" "至少填写一项",
    AmountOutOfRange "AMOUNT_OUT_OF_RANGE" Invalid "the amount must be between 1 and 100000" "数额须在1至100000之间",
    RuleUnknown "RULE_UNKNOWN" Invalid "the policy in force has no such points rule" "现行政策中没有该积分规则",
    BasisWrongKind "BASIS_WRONG_KIND" Precondition "the basis event is not of the kind this rule rewards" "依据事件与该积分规则不符",
    BasisOfAnother "BASIS_OF_ANOTHER" Precondition "the basis event belongs to another participant" "依据事件不属于该参与者",
    BasisNotFound "BASIS_NOT_FOUND" NotFound "there is no such basis event" "找不到依据事件",
    AlreadyAwarded "ALREADY_AWARDED" Precondition "this event has been rewarded under this rule already" "该事件已按此规则奖励过",
    CapReached "CAP_REACHED" Precondition "the month's cap on points is reached" "已达到当月积分上限",
    SecondPersonRequired "SECOND_PERSON_REQUIRED" Precondition "an award this large needs a second person's approval" "超过限额须由第二人批准",
    SamePersonForbidden "SAME_PERSON_FORBIDDEN" Precondition "the second person must be somebody else" "批准人不能是本人",
    AwardNotFound "AWARD_NOT_FOUND" NotFound "there is no such award" "找不到该笔奖励",
    AwardReversed "AWARD_REVERSED" Precondition "the award has been reversed already" "该笔奖励已撤销",
    BalanceTooLow "BALANCE_TOO_LOW" Precondition "there are not enough unexpired points" "可用积分不足",
    ItemBanned "ITEM_BANNED" Precondition "this kind of item may not be given for points" "该类物品不得兑换",
    RedemptionNotFound "REDEMPTION_NOT_FOUND" NotFound "there is no such redemption" "找不到该笔兑换",
    RedemptionCancelled "REDEMPTION_CANCELLED" Precondition "the redemption has been cancelled already" "该笔兑换已取消",
    CancelTooLate "CANCEL_TOO_LATE" Precondition "after the day itself only a supervisor may cancel" "非当日兑换须由负责人取消",
    AccountNotFound "ACCOUNT_NOT_FOUND" NotFound "the participant has no points account" "该参与者没有积分账户",
    AccountExists "ACCOUNT_EXISTS" AlreadyExists "there is an account of this name already" "该账户已存在",
    AccountMissing "ACCOUNT_MISSING" NotFound "there is no account of this name" "没有该账户",
    PersonExists "PERSON_EXISTS" AlreadyExists "the person is on file already" "该人员已登记",
    PersonNotFound "PERSON_NOT_FOUND" NotFound "there is no such person on file" "找不到该人员",
    PersonErased "PERSON_ERASED" Precondition "the person's data has been erased" "该人员的个人信息已删除",
    EpochStillLives "EPOCH_STILL_LIVES" Precondition "what wrapped the keys is not destroyed yet; rotate the keys first" "封装密钥的周期尚未销毁，请先轮换密钥",
    PersonRestricted "PERSON_RESTRICTED" Precondition "the person's data is only kept for now: processing is restricted" "该人员的个人信息处于限制处理状态，仅可保存",
    PersonSealed "PERSON_SEALED" Precondition "the person's record is sealed" "该人员的记录已封存",
    PersonDead "PERSON_DEAD" Precondition "the death is recorded already" "死亡已登记",
    IdNumberInvalid "ID_NUMBER_INVALID" Invalid "it is not an 18-digit identity number with a right check digit" "不是校验码正确的18位公民身份号码",
    EvidenceRequired "EVIDENCE_REQUIRED" Invalid "a document that shows it is needed" "须填写证明文件",
    ProposalNotFound "PROPOSAL_NOT_FOUND" NotFound "nothing of this number waits to be decided" "没有该编号的待决事项",
    ActDoesNotFit "ACT_DOES_NOT_FIT" Precondition "the record is not in a state for this" "该人员记录的当前状态不适用此操作",
    GlassLimit "GLASS_LIMIT" Precondition "three emergencies a day are the limit, and twenty that wait for a review" "每人每日紧急查看不得超过三次，待复核不得超过二十次",
    GlassNotFound "GLASS_NOT_FOUND" NotFound "no emergency of this number waits for a review" "没有该编号的待复核紧急查看",
    RequestNotFound "REQUEST_NOT_FOUND" NotFound "no request of this number waits for an answer" "没有该编号的待答复申请",
    RetentionNotLapsed "RETENTION_NOT_LAPSED" Precondition "the record has to be kept for longer" "档案保管期限未满",
    CaseStillOpen "CASE_STILL_OPEN" Precondition "the person still has an open case" "该人员尚有未结案件",
    PolicyNotInForce "POLICY_NOT_IN_FORCE" Precondition "no policy pack gives this value on that day" "当日没有适用的政策",
}

/// A refusal: which rule, about which field, with which bounds. It never carries personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The rule.
    pub reason: Reason,
    /// The field of the command it is about, if one.
    pub field: Option<&'static str>,
    /// Bounds and codes that help, such as `("earliest", "2026-01-02")`.
    pub details: Vec<(&'static str, String)>,
}

impl Rejection {
    /// A refusal about a field.
    pub fn of(reason: Reason, field: &'static str) -> Self {
        Self {
            reason,
            field: Some(field),
            details: Vec::new(),
        }
    }

    /// Adds a bound or code.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.details.push((key, value.to_string()));
        self
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            field: None,
            details: Vec::new(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(out, "{field}: ")?;
        }
        out.write_str(self.reason.english())?;
        for (number, (key, value)) in self.details.iter().enumerate() {
            write!(out, "{}{key}: {value}", if number == 0 { " (" } else { ", " })?;
        }
        if self.details.is_empty() {
            Ok(())
        } else {
            out.write_str(")")
        }
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_both_texts() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(!reason.english().ends_with('.'), "{}", reason.code());
            assert!(reason.chinese().chars().any(|c| c > '\u{3000}'), "{}", reason.code());
        }
    }

    #[test]
    fn a_rejection_reads_as_one_line() {
        let rejection = Rejection::of(Reason::OccurredBeforeCase, "on").with("earliest", "2026-01-02");
        assert_eq!(
            rejection.to_string(),
            "on: the date lies before the case allows it (earliest: 2026-01-02)"
        );
    }
}
