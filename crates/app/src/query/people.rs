//! People on file.

use std::collections::HashMap;

use waystation_storage::DocumentVersion;

use super::{Page, PageRequest, ReadOptions, everything, under};
use crate::app::App;
use crate::error::AppError;
use crate::views::{People, PeopleKey, PersonSummary};

/// Records merged straight into one.
const MERGED_MAX: usize = 1_000;

impl App {
    /// Some people as they are on file now, by id.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn people_now(&self, ids: &[String]) -> Result<HashMap<String, PersonSummary>, AppError> {
        self.now_of::<People>(ids).await
    }

    /// One person, and the moment the answer is for. Nothing sealed is opened by this.
    ///
    /// # Errors
    /// As [`App::get_case`].
    pub async fn get_person(&self, id: &str, options: ReadOptions) -> Result<(PersonSummary, u64), AppError> {
        self.document::<People>(id, "person", options).await
    }

    /// A page of a station's people; those who are sealed or erased are in no list.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn list_people(
        &self,
        station: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, PersonSummary)>, AppError> {
        let range = under(PeopleKey::Station as u16, &[station]);
        self.list::<People>(range, &[], page, options, |_| true).await
    }

    /// Those of these people who are on file, as they are now.
    pub(crate) async fn people_named(&self, persons: &[String]) -> Result<Vec<(String, PersonSummary)>, AppError> {
        let (generation, at) = self.generation::<People>(ReadOptions::default()).await?;
        let stored = self.views().documents(generation, persons, at).await?;
        let read = |one: DocumentVersion| Ok((one.id, super::decode(&one.body, one.from_position)?));
        stored.into_iter().map(read).collect()
    }

    /// The people whose records go on under somebody's.
    pub(crate) async fn merged_under(&self, person: &str) -> Result<Vec<String>, AppError> {
        let range = under(PeopleKey::Merged as u16, &[person]);
        let page = PageRequest {
            size: MERGED_MAX,
            token: String::new(),
        };
        // As the log is now: whoever asks decides on it who may read.
        let options = ReadOptions {
            min_position: Some(self.main().head().size),
            as_of: None,
        };
        let found = self.list::<People>(range, &[], &page, options, |_| true).await?;
        if !found.next.is_empty() {
            // Leaving some out would open them.
            return Err(AppError::Internal("too many records were merged into one".into()));
        }
        Ok(found.rows.into_iter().map(|(id, _)| id).collect())
    }

    /// A page of the people with emergencies that wait for a review, of one station or of all.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn list_emergencies(
        &self,
        station: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, PersonSummary)>, AppError> {
        let range = match station {
            "" => everything(PeopleKey::Unreviewed as u16),
            station => under(PeopleKey::Unreviewed as u16, &[station]),
        };
        self.list::<People>(range, &[], page, options, |_| true).await
    }

    /// How many emergencies somebody announced on a day.
    pub(crate) async fn emergencies_of(&self, by: &str, day: &str) -> Result<u32, AppError> {
        let options = ReadOptions {
            min_position: Some(self.main().head().size),
            as_of: None,
        };
        let range = under(PeopleKey::Emergencies as u16, &[by, day]);
        let found = self
            .list::<People>(range, &[], &PageRequest::default(), options, |_| true)
            .await?;
        let glasses = found.rows.iter().flat_map(|(_, person)| &person.glasses);
        let theirs = glasses.filter(|glass| glass.day() == (by, day.to_owned()));
        Ok(u32::try_from(theirs.count()).unwrap_or(u32::MAX))
    }

    /// The first people under a key, when the view has come this far.
    pub(crate) async fn people_by(
        &self,
        by: PeopleKey,
        size: usize,
        position: u64,
    ) -> Result<Vec<(String, PersonSummary)>, AppError> {
        let page = PageRequest {
            size,
            token: String::new(),
        };
        let options = ReadOptions {
            min_position: Some(position),
            as_of: None,
        };
        let found = self
            .list::<People>(everything(by as u16), &[], &page, options, |_| true)
            .await?;
        Ok(found.rows)
    }
}
