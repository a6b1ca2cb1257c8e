//! Emergencies: reading a record that is not in one's charge, announced before and reviewed after. The announcement is the
//! event itself; whoever reviews finds it in the list the moment it is durable.

use waystation_domain::person::{BreakGlass, Emergency, GLASS_MINUTES, REVIEW_HOURS};
use waystation_domain::{Principal, calendar};

use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::views::BrokenGlass;

const MINUTE_US: i64 = 60_000_000;

impl App {
    /// Lets somebody read a person's record for half an hour.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn break_glass(
        &self,
        person: &str,
        (emergency, reason): &(Emergency, String),
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        // One at a time, so that three a day are three also when they come at once.
        let _turn = self.emergencies().lock().await;
        let now = self.now_us();
        let by = &envelope.principal.id;
        let command = BreakGlass {
            emergency: *emergency,
            reason: reason.clone(),
            until_us: now + GLASS_MINUTES * MINUTE_US,
            broken_today: self.emergencies_of(by, &calendar::day_of(now).to_string()).await?,
        };
        self.person(person, &command, envelope).await
    }

    /// Whether somebody may read a person's record now because of an emergency.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn in_emergency(&self, principal: &Principal, person: &str) -> Result<bool, AppError> {
        let (state, now) = (self.person_state(person).await?, self.now_us());
        let open = |glass: &waystation_domain::person::state::Glass| glass.by == principal.id && now < glass.until_us;
        Ok(state.glasses.iter().any(open))
    }

    /// Whether the review of an emergency is late, so that it is the district's concern.
    pub fn is_overdue(&self, glass: &BrokenGlass) -> bool {
        glass.justified.is_none() && self.now_us() >= glass.from_us + REVIEW_HOURS * 60 * MINUTE_US
    }
}
