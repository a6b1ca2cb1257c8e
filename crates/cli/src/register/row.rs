//! Lines of registers as rows of tables.

use serde::Serialize;
use waystation_domain::register::{
    AbsenceEntry, BreachEntry, ContactEntry, CounterEntry, Entry, RiskEntry, TestEntry, YearEntry,
};

use crate::codes::{cell, code};
use crate::lang::say;

/// A line of a register that people look at.
pub(super) trait Row: Entry + Serialize {
    /// Names of the columns after the case.
    fn header() -> Vec<&'static str>;
    /// The columns after the case.
    fn cells(&self) -> Vec<String>;
}

fn numbers(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(" ")
}

fn mark(is: bool) -> String {
    if is { say("yes", "是") } else { "" }.to_owned()
}

impl Row for TestEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("test", "序号"),
            say("day", "日期"),
            say("notice", "通知"),
            say("due", "限期"),
            say("sample", "样本"),
            say("where", "地点"),
            say("by", "采样人"),
            say("results", "结果"),
            say("stands", "状态"),
            say("met", "完成事项"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let results: Vec<String> = self.results.iter().map(|result| code(&result.outcome)).collect();
        let place = self
            .entrusted
            .as_ref()
            .map_or_else(String::new, |place| format!(" {place}"));
        let evaded = if self.evaded {
            say(" (evaded)", "（逃避）")
        } else {
            ""
        };
        vec![
            self.test.to_string(),
            self.on.to_string(),
            self.noticed_on.to_string(),
            self.due_on.to_string(),
            code(&self.kind),
            format!("{}{place}", code(&self.site)),
            self.collectors.join(" "),
            results.join(" "),
            format!("{}{evaded}", code(&self.standing)),
            cell(self.met),
        ]
    }
}

impl Row for ContactEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("day", "日期"),
            say("recorded", "记录"),
            say("what", "方式"),
            say("how", "情形"),
            say("by", "工作人员"),
            say("evidence", "佐证"),
            say("met", "完成事项"),
            say("void", "作废"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let reached = self
            .reached
            .map(|reached| if reached { "REACHED" } else { "NOT_REACHED" });
        let how = format!(
            "{}{}{}",
            code(&self.mode),
            code(&self.interviewee),
            reached.unwrap_or_default()
        );
        vec![
            self.on.to_string(),
            self.recorded_on.to_string(),
            code(&self.kind),
            how,
            self.staff.join(" "),
            self.evidence.to_string(),
            cell(self.met),
            mark(self.voided),
        ]
    }
}

impl Row for AbsenceEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("no.", "序号"),
            say("reported", "报告"),
            say("destination", "目的地"),
            say("from", "开始"),
            say("to", "结束"),
            say("added", "续假"),
            say("approved", "批准"),
            say("returned", "返回"),
            say("out", "在外"),
            say("overdue", "逾期天数"),
            say("days", "天数"),
            say("stands", "状态"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.absence.to_string(),
            cell(self.reported_on),
            self.destination.clone().unwrap_or_default(),
            self.from.to_string(),
            self.to.to_string(),
            self.extended.to_string(),
            cell(self.approved_on),
            cell(self.returned_on),
            mark(self.out),
            self.overdue_days.to_string(),
            self.days.to_string(),
            code(&self.standing),
        ]
    }
}

impl Row for BreachEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("ground", "事由"),
            say("count", "计数"),
            say("evidence", "依据序号"),
            say("known", "知悉"),
            say("confirmed", "认定"),
            say("by", "认定人"),
            say("warnings", "劝诫告诫"),
            say("police told", "报告公安"),
            say("days", "天数"),
            say("decided", "决定"),
            say("outcome", "结果"),
            say("stands", "状态"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            code(&self.ground),
            self.count.to_string(),
            numbers(&self.evidence),
            self.known_on.to_string(),
            self.confirmed_on.to_string(),
            self.confirmed_by.clone(),
            self.warnings.len().to_string(),
            cell(self.referred_on),
            cell(self.lag_days),
            cell(self.decided_on),
            code(&self.outcome),
            code(&self.standing),
        ]
    }
}

impl Row for RiskEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("scored", "评分"),
            say("age", "距今天数"),
            say("score", "分值"),
            say("proposed", "建议等级"),
            say("class", "现行等级"),
            say("before", "历次等级"),
            say("by", "认定人"),
            say("overridden", "改判"),
            say("undecided", "待认定"),
            say("contested", "异议"),
            say("rules", "规则"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let earlier = self.classes.iter().rev().skip(1);
        let before: Vec<String> = earlier.map(|(on, class)| format!("{on} {}", code(class))).collect();
        let before = before.join(", ");
        vec![
            self.scored_on.to_string(),
            self.age_days.to_string(),
            self.score.to_string(),
            code(&self.proposed),
            code(&self.class),
            before,
            self.decided_by.clone().unwrap_or_default(),
            mark(self.overridden),
            mark(self.undecided),
            cell(self.contested_on),
            self.source.clone(),
        ]
    }
}

impl Row for CounterEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("ground", "事由"),
            say("count", "计数"),
            say("threshold", "阈值"),
            say("evidence", "依据序号"),
            say("near", "临近"),
            say("reached", "达到"),
            say("source", "依据"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            code(&self.ground),
            self.count.to_string(),
            self.threshold.to_string(),
            numbers(&self.evidence),
            mark(self.near),
            mark(self.reached),
            self.legal_source.clone(),
        ]
    }
}

impl Row for YearEntry {
    fn header() -> Vec<&'static str> {
        vec![
            say("year", "年度"),
            say("from", "开始"),
            say("what", "事项"),
            say("owed", "应完成"),
            say("met", "按期"),
            say("late", "逾期完成"),
            say("past due", "逾期"),
            say("missed", "认定未完成"),
            say("excused", "免责"),
            say("cancelled", "取消"),
            say("open", "进行中"),
            say("refused", "拒检"),
            say("positive", "阳性"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.year.to_string(), self.from.to_string(), code(&self.kind)];
        let counts = [
            self.owed,
            self.met,
            self.met_late,
            self.past_due,
            self.missed,
            self.excused,
            self.cancelled,
            self.open,
            self.refused,
            self.positive,
        ];
        cells.extend(counts.map(|count| count.to_string()));
        cells
    }
}
