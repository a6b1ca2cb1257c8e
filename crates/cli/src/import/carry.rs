//! From a row to its command, through the real door or a rehearsal.

use waystation_app::{App, AppError, Envelope, Rehearsal};
use waystation_domain::case::{
    AssignWorker, Case, CheckInMode, OpenCaseFile, PlaceBasis, Programme, RecordCheckIn, RecordDischargeNotice,
    RecordService, RecordTalk, RegisterOrder, ReportIn, Resume, SignAgreement, Suspend, SuspensionCause, TalkTopic,
    Terminate, TerminationReason,
};
use waystation_domain::points::{AwardManually, AwardPoints, Basis, ItemLine, PointsAccount, RedeemPoints};
use waystation_domain::{Command, Date};

use super::row::{Problem, Row, What, day, heading};
use crate::lang::say;

/// Reason code of whatever comes from a day-book later than policy allows without one.
const DAY_BOOK: &str = "DAY_BOOK";

/// Where commands go.
pub(super) trait Door {
    /// `true` with the revision of the command's first event: it was recorded before.
    async fn case<C: Command<Aggregate = Case>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<(bool, u64), AppError>;
    async fn points<C: Command<Aggregate = PointsAccount>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<bool, AppError>;
    async fn person_of(&mut self, case: &str) -> Result<String, AppError>;
}

impl Door for &App {
    async fn case<C: Command<Aggregate = Case>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<(bool, u64), AppError> {
        let receipt = App::case(self, id, command, envelope).await?;
        Ok((
            receipt.replayed,
            (receipt.revision.unwrap_or(0) + 1).saturating_sub(receipt.events),
        ))
    }

    async fn points<C: Command<Aggregate = PointsAccount>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<bool, AppError> {
        Ok(App::points(self, id, command, envelope).await?.replayed)
    }

    async fn person_of(&mut self, case: &str) -> Result<String, AppError> {
        App::person_of(self, case).await
    }
}

impl Door for Rehearsal<'_> {
    async fn case<C: Command<Aggregate = Case>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<(bool, u64), AppError> {
        let tried = Rehearsal::case(self, id, command, envelope).await?;
        Ok((tried.known, tried.first_revision))
    }

    async fn points<C: Command<Aggregate = PointsAccount>>(
        &mut self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<bool, AppError> {
        Ok(Rehearsal::points(self, id, command, envelope).await?.known)
    }

    async fn person_of(&mut self, case: &str) -> Result<String, AppError> {
        Rehearsal::person_of(self, case).await
    }
}

/// Why a row was not carried out.
pub(super) enum Trouble {
    /// A cell is wrong: column, what was expected.
    Cell(&'static str, String),
    /// The rules said no, or the store failed.
    App(AppError),
}

impl From<AppError> for Trouble {
    fn from(error: AppError) -> Self {
        Trouble::App(error)
    }
}

impl Trouble {
    /// A problem of the row; a failure of the store ends the import.
    pub(super) fn into_problem(self, row: &Row) -> anyhow::Result<Problem> {
        let (column, what) = match self {
            Trouble::Cell(column, what) => (heading(column), what),
            Trouble::App(AppError::Rejected(rejection)) => {
                let column = rejection
                    .field
                    .map_or_else(|| heading("what"), |field| column_of(field, row));
                let details: Vec<String> = rejection
                    .details
                    .iter()
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect();
                let text = say(rejection.reason.english(), rejection.reason.chinese());
                let what = if details.is_empty() {
                    text.to_owned()
                } else {
                    format!("{text} ({})", details.join(", "))
                };
                (column, what)
            }
            Trouble::App(error) => return Err(error.into()),
        };
        Ok(Problem {
            row: row.number,
            column,
            what,
        })
    }
}

/// The column that a command's field was read from.
fn column_of(field: &str, row: &Row) -> String {
    heading(match field {
        "on" | "from" | "notified_on" | "received_on" => "on",
        "decided_on" | "issued_on" => "decided_on",
        "order_no" | "agreement_no" | "file_no" | "document_no" | "notice_no" => "document",
        "term_months" => "months",
        "person" => "person",
        "lines" | "lines.points" | "amount" => "points",
        "justification" | "late_reason" => "reason",
        "reason" if row.what == What::Award => "reason",
        _ => "detail",
    })
}

/// One of the words of a cell.
fn word<T: Copy>(column: &'static str, text: &str, words: &[(&str, &str, T)]) -> Result<T, Trouble> {
    let found = words
        .iter()
        .find(|(zh, en, _)| text == *zh || text == *en)
        .map(|(_, _, value)| *value);
    found.ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(zh, en, _)| say(en, zh)).collect();
        Trouble::Cell(
            column,
            format!("{} {}", say("expected one of:", "应为："), all.join(", ")),
        )
    })
}

fn number<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T, Trouble> {
    text.parse()
        .map_err(|_| Trouble::Cell(column, say("expected a whole number", "应为整数").into()))
}

fn a_day(column: &'static str, text: &str) -> Result<Date, Trouble> {
    day(text).ok_or_else(|| {
        Trouble::Cell(
            column,
            say("expected a day such as 2026-03-02", "应为日期，如 2026-03-02").into(),
        )
    })
}

/// Carries a row out. `true`: it had been recorded before.
pub(super) async fn carry_out(row: &Row, door: &mut impl Door, by: &Envelope) -> Result<bool, Trouble> {
    let (case, on) = (row.case.as_str(), row.on);
    let document_no = row.document.clone();
    // From a day-book everything is recorded later; the reason is that it comes from one, if none is given.
    let late_reason = Some(if row.reason.is_empty() {
        DAY_BOOK.to_owned()
    } else {
        row.reason.clone()
    });
    let done = match row.what {
        What::Order => door.case(case, &order(row)?, by).await?,
        What::Service => door.case(case, &RecordService { on }, by).await?,
        What::Report => {
            let justification = Some(row.reason.clone()).filter(|reason| !reason.is_empty());
            door.case(
                case,
                &ReportIn {
                    on,
                    identity_checked: true,
                    justification,
                },
                by,
            )
            .await?
        }
        What::Agreement => {
            let clauses = ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec();
            door.case(
                case,
                &SignAgreement {
                    on,
                    agreement_no: document_no,
                    clauses,
                },
                by,
            )
            .await?
        }
        What::File => {
            door.case(
                case,
                &OpenCaseFile {
                    on,
                    file_no: document_no,
                },
                by,
            )
            .await?
        }
        What::Worker => {
            door.case(
                case,
                &AssignWorker {
                    from: on,
                    worker: row.detail.clone(),
                },
                by,
            )
            .await?
        }
        What::CheckIn => {
            let modes = [
                ("当面", "in person", CheckInMode::InPerson),
                ("电话", "phone", CheckInMode::Phone),
                ("手机", "app", CheckInMode::App),
            ];
            let mode = word("detail", &row.detail, &modes)?;
            let done = door
                .case(
                    case,
                    &RecordCheckIn {
                        on,
                        mode,
                        late_reason,
                        evidence: Vec::new(),
                    },
                    by,
                )
                .await?;
            return reward(row, door, by, ("check_in", "case.check_in_recorded.v1"), done).await;
        }
        What::Talk => {
            let topics = topics(&row.detail)?;
            let done = door
                .case(
                    case,
                    &RecordTalk {
                        on,
                        topics,
                        late_reason,
                        evidence: Vec::new(),
                        note: None,
                    },
                    by,
                )
                .await?;
            return reward(row, door, by, ("talk", "case.talk_recorded.v2"), done).await;
        }
        What::Suspend => {
            let causes = [
                ("拘留", "detained", SuspensionCause::Detained),
                ("逮捕", "arrested", SuspensionCause::Arrested),
            ];
            let cause = word("detail", &row.detail, &causes)?;
            door.case(
                case,
                &Suspend {
                    from: on,
                    cause,
                    document_no,
                },
                by,
            )
            .await?
        }
        What::Resume => door.case(case, &Resume { on, document_no }, by).await?,
        What::Terminate => {
            let reasons = [
                (
                    "强制隔离戒毒",
                    "compulsory isolation",
                    TerminationReason::CompulsoryIsolation,
                ),
                ("判处徒刑", "imprisoned", TerminationReason::Imprisoned),
                (
                    "强制性教育措施",
                    "educational measure",
                    TerminationReason::EducationalMeasure,
                ),
                ("死亡", "death", TerminationReason::Death),
                ("撤销决定", "order revoked", TerminationReason::OrderRevoked),
            ];
            let reason = word("detail", &row.detail, &reasons)?;
            door.case(
                case,
                &Terminate {
                    on,
                    reason,
                    document_no,
                },
                by,
            )
            .await?
        }
        What::Discharge => {
            let issued_on = if row.decided_on.is_empty() {
                on
            } else {
                a_day("decided_on", &row.decided_on)?
            };
            door.case(
                case,
                &RecordDischargeNotice {
                    issued_on,
                    received_on: on,
                    notice_no: document_no,
                },
                by,
            )
            .await?
        }
        What::Award => {
            let person = person(row, door).await?;
            let amount = number("points", &row.points)?;
            let approved_by = Some(row.detail.clone()).filter(|approver| !approver.is_empty());
            let award = AwardManually {
                person: person.clone(),
                on,
                amount,
                reason: row.reason.clone(),
                approved_by,
            };
            return Ok(door.points(&person, &award, by).await?);
        }
        What::Redeem => {
            let person = person(row, door).await?;
            let points = number("points", &row.points)?;
            let (sku, kind) = (row.detail.clone(), "DAILY_GOODS".to_owned());
            let redeem = RedeemPoints {
                on,
                lines: vec![ItemLine {
                    sku,
                    kind,
                    quantity: 1,
                    points,
                }],
            };
            return Ok(door.points(&person, &redeem, by).await?);
        }
    };
    Ok(done.0)
}

/// The person of the row's case.
async fn person(row: &Row, door: &mut impl Door) -> Result<String, Trouble> {
    let person = door.person_of(&row.case).await?;
    if person.is_empty() {
        let none = waystation_domain::Reason::CaseNotFound;
        return Err(Trouble::Cell("case", say(none.english(), none.chinese()).to_owned()));
    }
    Ok(person)
}

fn order(row: &Row) -> Result<RegisterOrder, Trouble> {
    let programmes = [
        ("社区戒毒", "community detox", Programme::CommunityDetox),
        ("社区康复", "community rehab", Programme::CommunityRehab),
    ];
    let programme = word("detail", &row.detail, &programmes)?;
    Ok(RegisterOrder {
        person: if row.person.is_empty() {
            row.case.clone()
        } else {
            row.person.clone()
        },
        programme,
        order_no: row.document.clone(),
        authority: "PSB".into(),
        decided_on: a_day("decided_on", &row.decided_on)?,
        notified_on: row.on,
        term_months: number("months", &row.months)?,
        offset_days: 0,
        place_basis: PlaceBasis::Household,
        release_no: (programme == Programme::CommunityRehab).then(|| row.reason.clone()),
    })
}

fn topics(text: &str) -> Result<Vec<TalkTopic>, Trouble> {
    let words = [
        ("生活", "life", TalkTopic::Life),
        ("思想", "thoughts", TalkTopic::Thoughts),
        ("身体", "health", TalkTopic::Health),
        ("就业", "work", TalkTopic::Work),
        ("家庭", "family", TalkTopic::Family),
        ("法律", "law", TalkTopic::Law),
    ];
    text.split(['、', ';'])
        .map(|topic| word("detail", topic.trim(), &words))
        .collect()
}

/// A contact whose row says so is rewarded by rule; both are recorded, or known, together.
async fn reward(
    row: &Row,
    door: &mut impl Door,
    by: &Envelope,
    (rule, event_type): (&str, &str),
    (known, revision): (bool, u64),
) -> Result<bool, Trouble> {
    match row.points.as_str() {
        "" | "否" | "no" => return Ok(known),
        "是" | "yes" => {}
        _ => {
            return Err(Trouble::Cell(
                "points",
                say("expected yes or no", "应为：是、否").into(),
            ));
        }
    }
    let person = person(row, door).await?;
    let event = format!("case-{}/{revision}", row.case);
    let basis = Basis {
        event,
        event_type: event_type.into(),
        person: person.clone(),
        on: row.on,
    };
    let request = by
        .request
        .map(|request| waystation_app::ids::named(&["reward", &request.to_string()]));
    let command = AwardPoints {
        person: person.clone(),
        rule: rule.into(),
        basis,
    };
    let rewarded = door
        .points(&person, &command, &Envelope { request, ..by.clone() })
        .await?;
    Ok(known && rewarded)
}
