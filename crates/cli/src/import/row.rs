//! One row of a day-book, and what can be wrong with it.

use csv::StringRecord;
use waystation_app::ids::is_id;
use waystation_domain::{Date, Role};

use crate::lang::say;

/// Something wrong, by row and column.
pub(super) struct Problem {
    pub(super) row: u64,
    pub(super) column: String,
    pub(super) what: String,
}

/// One thing that happened. Fields that its kind does not need are empty.
pub(super) struct Row {
    pub(super) number: u64,
    /// What the row says: its identity.
    pub(super) text: String,
    pub(super) on: Date,
    pub(super) what: What,
    pub(super) case: String,
    pub(super) person: String,
    pub(super) actor: String,
    pub(super) role: Role,
    pub(super) document: String,
    pub(super) detail: String,
    pub(super) decided_on: String,
    pub(super) months: String,
    pub(super) points: String,
    pub(super) reason: String,
}

macro_rules! kinds {
    ($($variant:ident $zh:literal $en:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum What { $($variant,)+ }

        impl What {
            fn parse(text: &str) -> Option<What> {
                match text { $($zh | $en => Some(What::$variant),)+ _ => None }
            }

            fn all() -> String {
                [$(say($en, $zh)),+].join(", ")
            }
        }
    };
}

kinds! {
    Order "登记" "order",
    Service "送达" "service",
    Report "报到" "report",
    Agreement "签订协议" "agreement",
    File "建档" "file",
    Worker "指派专干" "worker",
    CheckIn "见面" "check-in",
    Talk "谈话" "talk",
    Suspend "中止" "suspend",
    Resume "恢复" "resume",
    Terminate "终止" "terminate",
    Discharge "解除" "discharge",
    Award "奖励积分" "award",
    Redeem "兑换积分" "redeem",
}

/// Headings: Chinese, English.
pub(super) const HEADINGS: [(&str, &str); 12] = [
    ("日期", "on"),
    ("事项", "what"),
    ("案件", "case"),
    ("人员", "person"),
    ("经办人", "actor"),
    ("角色", "role"),
    ("文号", "document"),
    ("内容", "detail"),
    ("决定日期", "decided_on"),
    ("期限月数", "months"),
    ("积分", "points"),
    ("原因", "reason"),
];
/// How many of [`HEADINGS`] must be there.
const NEEDED: usize = 6;

/// The heading of a column in the chosen language.
pub(super) fn heading(english: &str) -> String {
    let found = HEADINGS.iter().find(|(_, en)| *en == english);
    found.map_or(english, |(zh, en)| say(en, zh)).to_owned()
}

/// Where each column is.
pub(super) struct Columns([Option<usize>; HEADINGS.len()]);

impl Columns {
    pub(super) fn find(headings: &StringRecord) -> Result<Self, Problem> {
        let place = |(zh, en): &(&str, &str)| headings.iter().position(|heading| heading == *zh || heading == *en);
        let places = HEADINGS.each_ref().map(place);
        let missing = HEADINGS
            .iter()
            .zip(&places)
            .take(NEEDED)
            .find(|(_, place)| place.is_none());
        let unknown = headings
            .iter()
            .find(|heading| !HEADINGS.iter().any(|(zh, en)| heading == zh || heading == en));
        match (missing, unknown) {
            (Some(((zh, en), _)), _) => Err(Problem {
                row: 1,
                column: say(en, zh).to_owned(),
                what: say("the column is missing", "缺少该列").into(),
            }),
            (None, Some(unknown)) => Err(Problem {
                row: 1,
                column: unknown.into(),
                what: say("the column is not known", "无法识别的列").into(),
            }),
            (None, None) => Ok(Self(places)),
        }
    }

    pub(super) fn read(&self, number: u64, record: &StringRecord) -> Result<Row, Problem> {
        let cell = |english: &str| {
            let at = HEADINGS
                .iter()
                .position(|(_, en)| *en == english)
                .and_then(|at| self.0[at]);
            at.and_then(|at| record.get(at)).unwrap_or_default().to_owned()
        };
        let wrong = |column: &str, what: &str| Problem {
            row: number,
            column: heading(column),
            what: what.to_owned(),
        };
        let on = day(&cell("on")).ok_or_else(|| {
            wrong(
                "on",
                say("expected a day such as 2026-03-02", "应为日期，如 2026-03-02"),
            )
        })?;
        let what = What::parse(&cell("what")).ok_or_else(|| {
            wrong(
                "what",
                &format!("{} {}", say("expected one of:", "应为："), What::all()),
            )
        })?;
        let role = match cell("role").as_str() {
            "专干" | "CASE_WORKER" => Role::CaseWorker,
            "负责人" | "SUPERVISOR" => Role::Supervisor,
            "店员" | "STORE_KEEPER" => Role::StoreKeeper,
            _ => {
                return Err(wrong(
                    "role",
                    say(
                        "expected CASE_WORKER, SUPERVISOR or STORE_KEEPER",
                        "应为：专干、负责人、店员",
                    ),
                ));
            }
        };
        for column in ["case", "actor", "person"] {
            let text = cell(column);
            if !(is_id(&text) || column == "person" && text.is_empty()) {
                let expected = say(
                    "expected 1 to 64 letters, digits, - _ or .",
                    "应为1至64个字母、数字或 - _ .",
                );
                return Err(wrong(column, expected));
            }
        }
        // The row's identity is what it says, not how it is written: columns in our order, days in one form, so that a
        // file saved again by a spreadsheet is still the same file.
        let said = |(_, english): (&str, &'static str)| match english {
            "on" => on.to_string(),
            "what" => format!("{what:?}"),
            "role" => role.as_str().to_owned(),
            _ => day(&cell(english)).map_or_else(|| cell(english), |day| day.to_string()),
        };
        let text = HEADINGS.map(said).join("\u{1f}");
        Ok(Row {
            number,
            text,
            on,
            what,
            case: cell("case"),
            person: cell("person"),
            actor: cell("actor"),
            role,
            document: cell("document"),
            detail: cell("detail"),
            decided_on: cell("decided_on"),
            months: cell("months"),
            points: cell("points"),
            reason: cell("reason"),
        })
    }
}

/// `2026-03-02`, and what spreadsheets make of it: `2026/3/2`.
pub(super) fn day(text: &str) -> Option<Date> {
    let mut parts = text.split(['-', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}
