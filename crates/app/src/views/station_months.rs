//! Station statistics: what happened in a station in a month, counted by the day it happened.

use serde::{Deserialize, Serialize};
use waystation_domain::Fact;
use waystation_domain::case::CaseEvent;
use waystation_domain::points::PointsEvent;

use crate::recorded::Recorded;
use crate::view::{Keys, OnUnreadable, View, key};

/// The station statistics view.
pub struct StationMonths;

/// Counts of one station and month. Months are months in China.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationMonth {
    /// Station.
    pub station: String,
    /// `2026-03`.
    pub month: String,
    /// Orders registered, by the day the station was told.
    pub orders: u64,
    /// Reports.
    pub reported: u64,
    /// Reports that were late, with a justification.
    pub reported_late: u64,
    /// Agreements signed.
    pub agreements: u64,
    /// Check-ins.
    pub check_ins: u64,
    /// Talks.
    pub talks: u64,
    /// Obligations met in time.
    pub met: u64,
    /// Obligations met late.
    pub met_late: u64,
    /// Obligations whose last day passed.
    pub past_due: u64,
    /// Suspensions.
    pub suspended: u64,
    /// Early ends.
    pub terminated: u64,
    /// Discharges.
    pub discharged: u64,
    /// Points given.
    pub points_awarded: i64,
    /// Points spent, less cancelled redemptions.
    pub points_redeemed: i64,
    /// Points expired.
    pub points_expired: i64,
}

impl StationMonth {
    /// Adds the counts of another station's month.
    pub fn add(&mut self, other: &StationMonth) {
        self.orders += other.orders;
        self.reported += other.reported;
        self.reported_late += other.reported_late;
        self.agreements += other.agreements;
        self.check_ins += other.check_ins;
        self.talks += other.talks;
        self.met += other.met;
        self.met_late += other.met_late;
        self.past_due += other.past_due;
        self.suspended += other.suspended;
        self.terminated += other.terminated;
        self.discharged += other.discharged;
        self.points_awarded += other.points_awarded;
        self.points_redeemed += other.points_redeemed;
        self.points_expired += other.points_expired;
    }
}

/// Keys of the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum StationMonthsKey {
    /// station, month.
    Station = 0,
}

/// One less of what was counted and was none.
fn less(count: &mut u64) {
    *count = count.saturating_sub(1);
}

impl View for StationMonths {
    type Document = StationMonth;
    const NAME: &'static str = "station_months";
    const VERSION: u32 = 2;
    const ON_UNREADABLE: OnUnreadable = OnUnreadable::Park;

    fn touched(recorded: &Recorded) -> Vec<String> {
        let counted = match &recorded.fact {
            Fact::Case(event) => !matches!(
                event,
                CaseEvent::OrderServed(_)
                    | CaseEvent::ReportInDeadlinePassed(_)
                    | CaseEvent::CaseFileOpened(_)
                    | CaseEvent::WorkerAssigned(_)
                    | CaseEvent::AgreementAmended(_)
                    | CaseEvent::BranchAssigned(_)
                    | CaseEvent::CaseResumed(_)
                    | CaseEvent::TermExpired(_)
                    | CaseEvent::OrderVaried(_)
                    | CaseEvent::AbsenceReported(_)
                    | CaseEvent::ReturnReported(_)
                    | CaseEvent::AbsenceAlleged(_)
                    | CaseEvent::TestNoticeServed(_)
                    | CaseEvent::SampleCollected(_)
                    | CaseEvent::TestResultRecorded(_)
                    | CaseEvent::TestRefused(_)
                    | CaseEvent::ReferredToPolice(_)
                    | CaseEvent::PoliceOutcomeRecorded(_)
                    | CaseEvent::TransferProposed(_)
                    | CaseEvent::TransferMaterialsSent(_)
                    | CaseEvent::TransferAccepted(_)
                    | CaseEvent::TransferRejected(_)
                    | CaseEvent::TransferWithdrawn(_)
                    | CaseEvent::TransferReportedIn(_)
                    | CaseEvent::DualControlStarted(_)
                    | CaseEvent::DualControlAnswered(_)
                    | CaseEvent::DualControlEnded(_)
                    | CaseEvent::OrderRevoked(_)
                    | CaseEvent::LostContactRecorded(_)
                    | CaseEvent::ContactRestored(_)
                    | CaseEvent::DynamicControlEnded(_)
                    | CaseEvent::ResultObjected(_)
                    | CaseEvent::WarningIssued(_)
                    | CaseEvent::RiskScored(_)
                    | CaseEvent::RiskClassContested(_)
                    | CaseEvent::AbsenceExtended(_)
                    | CaseEvent::ReleaseHandoverReceived(_)
                    | CaseEvent::CarePlanDrafted(_)
                    | CaseEvent::CarePlanApproved(_)
                    | CaseEvent::CarePlanReviewed(_)
                    | CaseEvent::SummaryRecorded(_)
                    | CaseEvent::DocumentIssued(_)
                    | CaseEvent::DocumentServed(_)
                    | CaseEvent::ObligationNotified(_)
                    | CaseEvent::LeaveApproved(_)
                    | CaseEvent::LeaveRefused(_)
                    | CaseEvent::TestEntrusted(_)
                    | CaseEvent::TestCompelled(_)
                    | CaseEvent::HomeVisitRecorded(_)
                    | CaseEvent::PhoneCheckRecorded(_)
                    | CaseEvent::SupportTeamFormed(_)
            ),
            Fact::Points(_) => true,
            Fact::Person(_) | Fact::Account(_) | Fact::Policy(_) | Fact::OrgUnit(_) | Fact::Key | Fact::Claimed => {
                false
            }
        };
        let Some(day) = recorded.fact.occurred_on().filter(|_| counted) else {
            return Vec::new();
        };
        let month = format!("{:04}-{:02}", day.year(), day.month());
        // What takes something back does so where that was counted.
        let station = match &recorded.fact {
            Fact::Case(CaseEvent::ContactVoided(fact)) => &fact.station,
            Fact::Case(CaseEvent::ObligationReopened(fact)) => &fact.station,
            _ => &recorded.metadata.station,
        };
        vec![key(&[station, &month])]
    }

    fn apply(id: &str, document: Option<StationMonth>, recorded: &Recorded) -> Option<StationMonth> {
        let mut month = document.unwrap_or_else(|| {
            let (station, month) = id.split_once(crate::view::KEY_SEPARATOR).unwrap_or((id, ""));
            StationMonth {
                station: station.to_owned(),
                month: month.to_owned(),
                ..StationMonth::default()
            }
        });
        match &recorded.fact {
            Fact::Case(CaseEvent::OrderRegistered(_)) => month.orders += 1,
            Fact::Case(CaseEvent::ReportedIn(fact)) => {
                month.reported += 1;
                month.reported_late += u64::from(fact.late || fact.justification.clear().is_some());
            }
            Fact::Case(CaseEvent::AgreementSigned(_)) => month.agreements += 1,
            Fact::Case(CaseEvent::CheckInRecorded(_)) => month.check_ins += 1,
            Fact::Case(CaseEvent::TalkRecorded(_)) => month.talks += 1,
            Fact::Case(CaseEvent::ContactVoided(fact)) if fact.talk => less(&mut month.talks),
            Fact::Case(CaseEvent::ContactVoided(_)) => less(&mut month.check_ins),
            Fact::Case(CaseEvent::ObligationReopened(fact)) if fact.late => less(&mut month.met_late),
            Fact::Case(CaseEvent::ObligationReopened(_)) => less(&mut month.met),
            Fact::Case(CaseEvent::ObligationFulfilled(fact)) if fact.late => month.met_late += 1,
            Fact::Case(CaseEvent::ObligationFulfilled(_)) => month.met += 1,
            Fact::Case(CaseEvent::ObligationPastDue(_)) => month.past_due += 1,
            Fact::Case(CaseEvent::CaseSuspended(_)) => month.suspended += 1,
            Fact::Case(CaseEvent::CaseTerminated(_)) => month.terminated += 1,
            Fact::Case(CaseEvent::CaseDischarged(_)) => month.discharged += 1,
            Fact::Points(PointsEvent::PointsAwarded(fact)) => month.points_awarded += fact.amount,
            Fact::Points(PointsEvent::PointsAwardReversed(fact)) => {
                month.points_awarded -= fact.amount + fact.written_off;
            }
            Fact::Points(PointsEvent::PointsRedeemed(fact)) => month.points_redeemed += fact.amount,
            Fact::Points(PointsEvent::RedemptionCancelled(fact)) => {
                month.points_redeemed -= fact.returned + fact.expired;
                month.points_expired += fact.expired;
            }
            Fact::Points(PointsEvent::PointsExpired(fact)) => month.points_expired += fact.amount,
            _ => {}
        }
        Some(month)
    }

    fn keys(id: &str, _: &StationMonth, keys: &mut Keys) {
        keys.add(StationMonthsKey::Station as u16, &[id]);
    }
}
