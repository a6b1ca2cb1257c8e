//! The log read from its beginning, for what no view keeps.

use waystation_storage::{Direction, PAGE_EVENTS_MAX};

use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;

impl App {
    /// Reads every event up to a position once, and shows `fold` those in streams of a category, each with the id of its stream.
    /// Whoever scans holds [`App::scans`] or [`App::simulations`].
    pub(super) async fn scan(
        &self,
        category: &str,
        position: u64,
        mut fold: impl FnMut(String, Recorded) + Send,
    ) -> Result<(), AppError> {
        let mut from = 1;
        while from <= position {
            let page = self.main().page_all(from, Direction::Forwards, PAGE_EVENTS_MAX).await?;
            let Some(last) = page.last() else { break };
            from = last.position + 1;
            for event in page.into_iter().take_while(|event| event.position <= position) {
                let Some((of, id)) = event.stream().split_once('-') else {
                    continue;
                };
                if of != category {
                    continue;
                }
                let id = id.to_owned();
                if let Some(recorded) = Recorded::decode(event)? {
                    fold(id, recorded);
                }
            }
        }
        Ok(())
    }
}
