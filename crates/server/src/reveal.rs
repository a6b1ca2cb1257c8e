//! What of one event is sealed, opened for somebody who may see it whole.

use tonic::Status;
use waystation_api::v1;
use waystation_app::{Action, AppError, Budget, LogName};

use crate::Api;
use crate::fields::Fields;
use crate::person::shown;
use crate::reading::{About, Reader};
use crate::status::status;

impl Api {
    pub(crate) async fn reveal(
        &self,
        reader: &Reader,
        request: v1::RevealEntryRequest,
    ) -> Result<v1::RevealEntryResponse, Status> {
        let head = self.app.store().log(LogName::Main).head().size;
        let mut fields = Fields::default();
        let position = fields.position("position", request.position);
        if position == 0 || position > head {
            fields.wrong("position", &format!("1 to {head}"));
        }
        fields.finish()?;
        let failed = |error: AppError| status(&error, "entries");
        let nothing = || failed(AppError::NotFound { kind: "entry" });
        let (stream, sealed) = self
            .app
            .sealed_at(position)
            .await
            .map_err(failed)?
            .ok_or_else(nothing)?;
        let (person, target) = match About::stream(&stream) {
            About::Case(case) => {
                let person = self.app.person_of(case).await.map_err(failed)?;
                (person, self.case_target(reader, case).await?)
            }
            About::Person(person) => {
                let target = self.person_target(reader, person).await?;
                (person.to_owned(), target)
            }
            About::Commitment | About::Nobody => return Err(nothing()),
        };
        let target = self.in_emergency(reader, &person, target).await?;
        self.allow(reader, Action::Reveal, &target)?;
        self.within_budget(reader, &[Budget::Reveals], std::slice::from_ref(&person))
            .await?;
        let mut classes: Vec<_> = sealed.iter().map(|field| field.class()).collect();
        classes.sort_unstable();
        classes.dedup();
        let receipt = self.on_record(reader, vec![person.clone()], &classes, position).await?;
        let mut opened = Vec::with_capacity(sealed.len());
        for field in sealed {
            let value = self.app.open_field(&receipt, &person, position, field).await;
            // An emergency needs no number of an identity card.
            let mask = (reader.in_emergency() && field == waystation_domain::Field::IdNumber)
                .then_some(crate::mask::id_number as fn(&str) -> String);
            opened.push(v1::RevealedField {
                field: field.as_str().to_owned(),
                value: Some(shown(&value.map_err(failed)?, mask)),
            });
        }
        Ok(v1::RevealEntryResponse { fields: opened })
    }
}
