//! The police order reaches the station (戒毒条例 13, 37).

use jiff::civil::Date;
use serde::Serialize;

use super::event::CaseEvent;
use super::order::{OrderRegistered, PlaceBasis, Programme};
use super::rules::{check_code, check_day, check_role, check_term, check_text};
use super::stage::Stage;
use super::state::Case;
use crate::kernel::{Claim, Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Registers an order and so begins a case.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterOrder {
    /// Random id of the person.
    pub person: String,
    /// Programme.
    pub programme: Programme,
    /// Number of the order document, unique in the system.
    pub order_no: String,
    /// Deciding authority, as a code.
    pub authority: String,
    /// Day of the decision.
    pub decided_on: Date,
    /// Day the station was told.
    pub notified_on: Date,
    /// Months: 36 for community detox (禁毒法 33), 1 to 36 for rehabilitation (戒毒条例 37).
    pub term_months: i32,
    /// Days served elsewhere that count (戒毒条例 31), 0 to 1,095.
    pub offset_days: i32,
    /// Why here.
    pub place_basis: PlaceBasis,
    /// Number of the release certificate; required for rehabilitation.
    pub release_no: Option<String>,
}

impl Command for RegisterOrder {
    type Aggregate = Case;
    const NAME: &'static str = "RegisterOrder";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        if case.stage != Stage::Unregistered {
            return Err(Reason::CaseExists.into());
        }
        check_text("person", &self.person)?;
        check_text("order_no", &self.order_no)?;
        check_code("authority", &self.authority)?;
        check_day("decided_on", self.decided_on, context)?;
        check_day("notified_on", self.notified_on, context)?;
        if self.notified_on < self.decided_on {
            return Err(Rejection::of(Reason::OccurredBeforeCase, "notified_on").with("earliest", self.decided_on));
        }
        let term = (self.term_months, self.offset_days);
        check_term(self.programme, term, self.decided_on, context)?;
        match (&self.release_no, self.programme) {
            (Some(number), _) => check_text("release_no", number)?,
            (None, Programme::CommunityRehab) => {
                return Err(Rejection::of(Reason::ReleaseReferenceRequired, "release_no"));
            }
            (None, Programme::CommunityDetox) => {}
        }
        Ok(vec![
            OrderRegistered {
                person: self.person.clone(),
                station: context.actor.station.clone(),
                programme: self.programme,
                order_no: (&self.order_no).into(),
                authority: self.authority.clone(),
                decided_on: self.decided_on,
                notified_on: self.notified_on,
                term_months: self.term_months,
                offset_days: self.offset_days,
                place_basis: self.place_basis,
                release_no: (&self.release_no).into(),
            }
            .into(),
        ])
    }

    fn claims(&self, _: &Case) -> Vec<Claim> {
        let rejection = Rejection::of(Reason::OrderNumberInUse, "order_no");
        vec![Claim {
            category: "ordernumber",
            value: self.order_no.clone(),
            rejection,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::order;
    use crate::spec::given;
    use jiff::civil::date;

    #[test]
    fn detox_lasts_exactly_three_years_and_rehabilitation_at_most_three() {
        for (programme, months, fits) in [
            (Programme::CommunityDetox, 36, true),
            (Programme::CommunityDetox, 35, false),
            (Programme::CommunityRehab, 1, true),
            (Programme::CommunityRehab, 36, true),
            (Programme::CommunityRehab, 37, false),
            (Programme::CommunityRehab, 0, false),
            (Programme::CommunityRehab, i32::MAX, false),
        ] {
            let release_no = Some("解戒-1".into());
            let command = RegisterOrder {
                programme,
                term_months: months,
                release_no,
                ..order()
            };
            let result = given::<Case>([]).when(&command);
            match result {
                Ok(_) => assert!(fits, "{programme:?} {months}"),
                Err(no) => assert!(
                    !fits && no.reason == Reason::TermNotAllowed,
                    "{programme:?} {months}: {no}"
                ),
            }
        }
    }

    #[test]
    fn rehabilitation_needs_the_release_certificate() {
        let command = RegisterOrder {
            programme: Programme::CommunityRehab,
            release_no: None,
            ..order()
        };
        assert_eq!(given::<Case>([]).reason(&command), Reason::ReleaseReferenceRequired);
    }

    #[test]
    fn days_in_the_future_or_outside_the_calendar_are_refused() {
        let cases = [
            (date(2026, 3, 3), Reason::OccurredInFuture),
            (date(9999, 12, 31), Reason::DateOutOfRange),
            (date(1899, 1, 1), Reason::DateOutOfRange),
        ];
        for (day, reason) in cases {
            assert_eq!(
                given::<Case>([]).reason(&RegisterOrder {
                    decided_on: day,
                    ..order()
                }),
                reason
            );
        }
    }

    #[test]
    fn a_case_begins_once_and_only_by_station_staff() {
        assert_eq!(given::<Case>([]).then(&order()).reason(&order()), Reason::CaseExists);
        assert_eq!(
            given::<Case>([]).by("d-1", Role::DistrictOfficer).reason(&order()),
            Reason::RoleRequired
        );
    }
}
