//! Lines of registers as messages.

use waystation_api::v1;
use waystation_app::Listed;
use waystation_domain::Date;
use waystation_domain::case::{BreachGround, ObligationKind, RiskClass};
use waystation_domain::register::{
    AbsenceEntry, AbsenceStanding, BreachEntry, BreachStanding, ContactEntry, ContactKind, CounterEntry,
    ReferralGround, RiskEntry, TestEntry, TestStanding, YearEntry,
};

use crate::commands::case::{CHECK_IN_MODES, INTERVIEWEES};
use crate::commands::compliance::{
    NOTICE_MODES, POLICE_OUTCOMES, SAMPLE_KINDS, SAMPLE_SITES, TEST_OUTCOMES, TEST_STAGES, WARNING_STEPS,
};
use crate::convert::{day, number, signed};

fn optional<T: PartialEq>(values: &[T], value: Option<T>) -> i32 {
    value.map_or(0, |value| number(values, &value))
}

fn numbers(numbers: &[u32]) -> Vec<i32> {
    numbers.iter().map(|number| *number as i32).collect()
}

fn positions(positions: &[u64]) -> Vec<i64> {
    positions.iter().copied().map(signed).collect()
}

pub(super) fn test(line: &Listed<TestEntry>) -> v1::TestLine {
    let entry = &line.entry;
    let results = entry.results.iter().map(|result| v1::TestReading {
        on: result.on.to_string(),
        stage: number(&TEST_STAGES, &result.stage),
        outcome: number(&TEST_OUTCOMES, &result.outcome),
    });
    v1::TestLine {
        case: format!("cases/{}", line.case),
        test: entry.test as i32,
        station: entry.station.clone(),
        on: entry.on.to_string(),
        noticed_on: entry.noticed_on.to_string(),
        due_on: entry.due_on.to_string(),
        notice: optional(&NOTICE_MODES, entry.notice),
        entrusted: entry.entrusted.clone().unwrap_or_default(),
        entrusted_to: day(entry.entrusted_to),
        collected_on: day(entry.collected_on),
        kind: optional(&SAMPLE_KINDS, entry.kind),
        hair: entry.hair.map(|hair| v1::HairSample {
            length_mm: hair.length_mm as i32,
            mass_mg: hair.mass_mg as i32,
        }),
        site: optional(&SAMPLE_SITES, entry.site),
        collectors: entry.collectors.clone(),
        results: results.collect(),
        objected_on: day(entry.objected_on),
        refused_on: day(entry.refused_on),
        evaded: entry.evaded,
        compels: entry.compels.unwrap_or_default() as i32,
        met: entry.met.unwrap_or_default() as i32,
        standing: number(&TestStanding::ALL, &entry.standing),
        positions: positions(&entry.positions),
    }
}

pub(super) fn contact(line: &Listed<ContactEntry>) -> v1::ContactLine {
    let entry = &line.entry;
    v1::ContactLine {
        name: format!("cases/{}/events/{}", line.case, entry.revision),
        station: entry.station.clone(),
        on: entry.on.to_string(),
        recorded_on: entry.recorded_on.to_string(),
        kind: number(&ContactKind::ALL, &entry.kind),
        mode: optional(&CHECK_IN_MODES, entry.mode),
        interviewee: optional(&INTERVIEWEES, entry.interviewee),
        reached: entry.reached == Some(true),
        staff: entry.staff.clone(),
        evidence: entry.evidence as i32,
        met: entry.met.unwrap_or_default() as i32,
        voided: entry.voided,
        positions: positions(&entry.positions),
    }
}

pub(super) fn absence(line: &Listed<AbsenceEntry>) -> v1::AbsenceLine {
    let entry = &line.entry;
    v1::AbsenceLine {
        case: format!("cases/{}", line.case),
        absence: entry.absence as i32,
        station: entry.station.clone(),
        reported_on: day(entry.reported_on),
        destination: entry.destination.clone().unwrap_or_default(),
        from: entry.from.to_string(),
        to: entry.to.to_string(),
        extended: entry.extended as i32,
        approved_on: day(entry.approved_on),
        returned_on: day(entry.returned_on),
        alleged_by: entry.alleged_by.clone().unwrap_or_default(),
        out: entry.out,
        overdue_days: entry.overdue_days,
        days: entry.days,
        standing: number(&AbsenceStanding::ALL, &entry.standing),
        positions: positions(&entry.positions),
    }
}

pub(super) fn breach(line: &Listed<BreachEntry>) -> v1::BreachLine {
    let entry = &line.entry;
    let warnings = entry.warnings.iter().map(|warning| v1::WarningGiven {
        on: warning.on.to_string(),
        step: number(&WARNING_STEPS, &warning.step),
    });
    v1::BreachLine {
        case: format!("cases/{}", line.case),
        breach: entry.breach as i32,
        station: entry.station.clone(),
        ground: number(&ReferralGround::ALL, &entry.ground),
        evidence: numbers(&entry.evidence),
        count: entry.count,
        source: entry.source.clone().unwrap_or_default(),
        known_on: entry.known_on.to_string(),
        confirmed_on: entry.confirmed_on.to_string(),
        confirmed_by: entry.confirmed_by.clone(),
        warnings: warnings.collect(),
        referred_on: day(entry.referred_on),
        lag_days: entry.lag_days.unwrap_or_default(),
        decided_on: day(entry.decided_on),
        outcome: optional(&POLICE_OUTCOMES, entry.outcome),
        standing: number(&BreachStanding::ALL, &entry.standing),
        positions: positions(&entry.positions),
    }
}

pub(super) fn risk(line: &Listed<RiskEntry>, since: Option<Date>) -> v1::RiskLine {
    let entry = &line.entry;
    let parts = entry.factors.iter().map(|factor| v1::RiskPart {
        key: factor.key.clone(),
        value: factor.value,
        points: factor.points,
    });
    v1::RiskLine {
        case: format!("cases/{}", line.case),
        station: entry.station.clone(),
        scored_on: entry.scored_on.to_string(),
        age_days: entry.age_days,
        score: entry.score,
        parts: parts.collect(),
        proposed: number(&RiskClass::ALL, &entry.proposed),
        source: entry.source.clone(),
        class: optional(&RiskClass::ALL, entry.class),
        decided_on: day(entry.decided_on),
        decided_by: entry.decided_by.clone().unwrap_or_default(),
        overridden: entry.overridden,
        undecided: entry.undecided,
        past_due: entry.past_due,
        contested_on: day(entry.contested_on),
        former_class: optional(&RiskClass::ALL, since.and_then(|day| entry.class_on(day))),
        positions: positions(&entry.positions),
    }
}

pub(super) fn counter(line: &Listed<CounterEntry>) -> v1::CounterLine {
    let entry = &line.entry;
    v1::CounterLine {
        case: format!("cases/{}", line.case),
        station: entry.station.clone(),
        ground: number(&BreachGround::ALL, &entry.ground),
        count: entry.count,
        threshold: entry.threshold,
        evidence: numbers(&entry.evidence),
        reached: entry.reached,
        near: entry.near,
        source: entry.pack.clone(),
        key: entry.key.to_owned(),
        legal_source: entry.legal_source.clone(),
    }
}

pub(super) fn year(line: &Listed<YearEntry>) -> v1::YearLine {
    let entry = &line.entry;
    v1::YearLine {
        case: format!("cases/{}", line.case),
        station: entry.station.clone(),
        year: entry.year,
        from: entry.from.to_string(),
        to: entry.to.to_string(),
        kind: number(&ObligationKind::ALL, &entry.kind),
        owed: entry.owed as i32,
        met: entry.met as i32,
        met_late: entry.met_late as i32,
        past_due: entry.past_due as i32,
        missed: entry.missed as i32,
        excused: entry.excused as i32,
        cancelled: entry.cancelled as i32,
        open: entry.open as i32,
        refused: entry.refused as i32,
        positive: entry.positive as i32,
        sources: entry.sources.clone(),
    }
}
