//! From the app's answers to messages.

use prost_types::Timestamp;
use waystation_api::v1;
use waystation_app::views::{AccountSummary, AgendaEntry, CaseSummary, Leave, StationMonth};
use waystation_app::{AuditEntry, GenerationStatus, LedgerLine, Receipt, ViewStatus};
use waystation_domain::Date;
use waystation_domain::case::{ObligationKind, Programme, RiskClass, Stage};
use waystation_domain::register::TestStanding;

pub(crate) const PROGRAMMES: [Programme; 2] = [Programme::CommunityDetox, Programme::CommunityRehab];

/// Stages in the order of the API's enumeration.
pub(crate) fn stages() -> &'static [Stage] {
    &Stage::ALL[1..]
}

/// The number of a value in the API's enumeration, where 0 means that none was given.
pub(crate) fn number<T: PartialEq>(values: &[T], value: &T) -> i32 {
    values
        .iter()
        .position(|known| known == value)
        .map_or(0, |at| at as i32 + 1)
}

/// Positions and counts stay far below 2⁶³.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn time(us: i64) -> Timestamp {
    Timestamp {
        seconds: us.div_euclid(1_000_000),
        nanos: (us.rem_euclid(1_000_000) * 1_000) as i32,
    }
}

/// A day as messages have it; empty for none.
pub(crate) fn day(day: Option<Date>) -> String {
    day.map_or_else(String::new, |day| day.to_string())
}

pub(crate) fn receipt(name: String, receipt: &Receipt) -> v1::CommandReceipt {
    v1::CommandReceipt {
        name,
        position: signed(receipt.position),
        etag: receipt
            .revision
            .map_or_else(String::new, |revision| revision.to_string()),
        record_time: (receipt.recorded_us != 0).then(|| time(receipt.recorded_us)),
        events: signed(receipt.events),
        replayed: receipt.replayed,
        leaf_hash: receipt.leaf.map_or_else(Vec::new, |leaf| leaf.to_vec()),
    }
}

pub(crate) fn case(id: &str, case: &CaseSummary) -> v1::Case {
    v1::Case {
        name: format!("cases/{id}"),
        person: case.person.clone(),
        station: case.station.clone(),
        programme: number(&PROGRAMMES, &case.programme),
        stage: number(stages(), &case.stage),
        term_months: case.term_months,
        worker: case.worker.clone().unwrap_or_default(),
        term_start: day(case.term_start),
        term_end: day(case.term_end),
        last_contact: day(case.last_contact),
        next_due: day(case.next_due()),
        past_due: case.past_due() as i32,
        etag: case.revision.to_string(),
        leaves: case.overlay.standing_leaves().map(leave).collect(),
        residence_answered_on: day(case
            .overlay
            .dual_control
            .as_ref()
            .and_then(|control| control.answered_on)),
        branch: case.overlay.branch.clone().unwrap_or_default(),
        lost_since: day(case.overlay.lost_since),
        residence_station: (case.overlay.dual_control.as_ref())
            .map_or_else(String::new, |control| control.residence_station.clone()),
        risk: case.overlay.risk.map_or(0, |class| number(&RiskClass::ALL, &class)),
        last_test: case.overlay.last_test().map_or(0, |last| last.test as i32),
        last_test_on: day(case.overlay.last_test().map(|last| last.on)),
        last_test_standing: (case.overlay.last_test()).map_or(0, |last| number(&TestStanding::ALL, &last.standing)),
        ..Default::default()
    }
}

fn leave(leave: &Leave) -> v1::Leave {
    v1::Leave {
        absence: leave.absence as i32,
        from: leave.from.to_string(),
        to: leave.to.to_string(),
    }
}

pub(crate) fn obligation(entry: &AgendaEntry) -> v1::Obligation {
    v1::Obligation {
        name: format!("cases/{}/obligations/{}", entry.case, entry.number),
        kind: number(&ObligationKind::ALL, &entry.kind),
        debtor: entry.debtor.as_str().to_owned(),
        window_from: entry.window_from.to_string(),
        window_to: entry.window_to.to_string(),
        state: entry.state.as_str().to_owned(),
        detected_on: day(entry.detected_on),
        fulfilled_on: day(entry.fulfilled_on),
        source: entry.source.clone(),
        notified_on: day(entry.notified_on),
    }
}

pub(crate) fn account(person: &str, account: &AccountSummary) -> v1::PointsAccount {
    let lots = account.lots.iter().map(|lot| v1::Lot {
        number: lot.number as i32,
        remaining: lot.remaining,
        expires_on: lot.expires_on.to_string(),
    });
    v1::PointsAccount {
        name: format!("pointsAccounts/{person}"),
        station: account.station.clone(),
        balance: account.balance(),
        lots: lots.collect(),
        issued: account.issue,
        redeemed: account.redeemed,
        expired: account.expired,
        written_off: account.write_off,
        etag: account.revision.to_string(),
    }
}

pub(crate) fn ledger_line(line: LedgerLine) -> v1::LedgerLine {
    v1::LedgerLine {
        position: signed(line.position),
        revision: signed(line.revision),
        on: day(line.on),
        event_type: line.event_type,
        from: line.from.to_owned(),
        to: line.to.to_owned(),
        amount: line.amount,
        balance: line.balance,
        actor: line.actor,
    }
}

pub(crate) fn audit_entry(entry: AuditEntry) -> v1::AuditEntry {
    let record = match entry.stream.split_once('-') {
        Some(("case", id)) => format!("cases/{id}/events/{}", entry.revision),
        Some(("points", id)) => format!("pointsAccounts/{id}/events/{}", entry.revision),
        Some(("person", id)) => format!("people/{id}/events/{}", entry.revision),
        _ => String::new(),
    };
    let channel = match entry.metadata.channel {
        waystation_domain::Channel::Api => "API",
        waystation_domain::Channel::Import => "IMPORT",
        waystation_domain::Channel::SystemClock => "SYSTEM_CLOCK",
    };
    v1::AuditEntry {
        position: signed(entry.position),
        name: record,
        stream: entry.stream,
        revision: signed(entry.revision),
        event_type: entry.event_type,
        label: entry.label.0.to_owned(),
        label_zh: entry.label.1.to_owned(),
        occurred_on: day(entry.occurred_on),
        record_time: Some(time(entry.recorded_us)),
        actor: entry.metadata.actor.clone(),
        role: entry.metadata.role.as_str().to_owned(),
        station: entry.metadata.station.clone(),
        channel: channel.to_owned(),
        command: entry.metadata.command.clone(),
        why: entry.why.unwrap_or_default(),
        policy_packs: entry.metadata.policy.clone(),
        data: entry.data,
    }
}

pub(crate) fn month(month: StationMonth) -> v1::StationMonth {
    v1::StationMonth {
        month: month.month,
        orders: signed(month.orders),
        reported: signed(month.reported),
        reported_late: signed(month.reported_late),
        agreements: signed(month.agreements),
        check_ins: signed(month.check_ins),
        talks: signed(month.talks),
        obligations_met: signed(month.met),
        obligations_met_late: signed(month.met_late),
        obligations_past_due: signed(month.past_due),
        suspended: signed(month.suspended),
        terminated: signed(month.terminated),
        discharged: signed(month.discharged),
        points_awarded: month.points_awarded,
        points_redeemed: month.points_redeemed,
        points_expired: month.points_expired,
    }
}

pub(crate) fn projection(view: ViewStatus, head: u64) -> v1::Projection {
    let generation = |status: GenerationStatus| v1::Generation {
        number: status.generation,
        state: status.state.as_str().to_owned(),
        position: signed(status.position),
        failure: status.failure,
    };
    v1::Projection {
        name: format!("projections/{}", view.view),
        version: view.version as i32,
        live: view.live.map(generation),
        building: view.building.map(generation),
        head: signed(head),
    }
}
