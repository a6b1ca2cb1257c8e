//! Sealing a person with keys and not by rule alone: what opened their fields is encrypted to two holders, who are not on
//! this server. The server needs neither of them to seal, and both to open.

use waystation_domain::{Reason, Rejection};
use waystation_storage::{ExpectedRevision, SealedKey, StoredKey};
use waystation_trust::KeyringError;
use waystation_trust::recipient::{RecipientError, check_recipient};
use waystation_trust::sealed_key::{open_by_two, seal_for_two};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::AppError;
use crate::ids::{self, subject};
use crate::keys::RING_STREAM;
use crate::vault::{commitments, key_append, key_event, key_stream, random};

/// Keys were encrypted to two holders.
const KEYS_SEALED: &str = "key.sealed.v1";
/// Two holders have opened them again.
const KEYS_UNSEALED: &str = "key.unsealed.v1";
/// Who the holders are.
const HOLDERS_NAMED: &str = "key.holders_named.v1";
const ACTOR: &str = "system-keys";
/// After this a sealing that was about to be decided, and was not, is forgotten.
const INTENT_HELD_US: i64 = 60 * 1_000_000;

impl App {
    /// Names the two to whom keys of sealed people are encrypted from now on.
    ///
    /// # Errors
    /// [`Reason::FieldInvalid`] when one is no age recipient, or both are the same; [`AppError::Storage`].
    pub async fn name_key_holders(&self, holders: &[String; 2]) -> Result<(), AppError> {
        for (holder, field) in holders.iter().zip(["first", "second"]) {
            let wrong = |expected| Rejection::of(Reason::FieldInvalid, field).with("expected", expected);
            check_recipient(holder).map_err(|_| wrong("a recipient, age1…"))?;
        }
        if holders[0] == holders[1] {
            let same = Rejection::of(Reason::FieldInvalid, "second");
            return Err(same.with("expected", "somebody else than the first").into());
        }
        self.vault().keys().name_key_holders(holders).await?;
        self.tell(
            RING_STREAM,
            HOLDERS_NAMED,
            "NameKeyHolders",
            &serde_json::json!({ "holders": holders }),
        )
        .await
    }

    /// Encrypts the keys of a person who is sealed to the two holders, if there are any. Doing it again does nothing more.
    pub(crate) async fn finish_sealing(&self, person: &str) -> Result<(), AppError> {
        let keys = self.vault().keys();
        let sealed = self.person_state(person).await?.sealed;
        let Some(holders) = keys.key_holders().await?.filter(|_| sealed) else {
            return Ok(keys.forget_intent(person).await?);
        };
        let (subject, mut versions) = (subject(person), Vec::new());
        for stored in keys.of(subject).await? {
            let key = self.vault().unwrap(&stored).await?;
            let wrapped = seal_for_two(&key, subject, stored.version, &holders)
                .map_err(|error| AppError::Internal(format!("a holder of sealed keys: {error}")))?;
            let sealed = SealedKey {
                subject,
                version: stored.version,
                commitment: stored.commitment,
                wrapped: wrapped.into(),
            };
            if keys.seal_key(&sealed).await? {
                versions.push(sealed.version);
            }
        }
        if !versions.is_empty() {
            keys.let_go().await?;
            let body = serde_json::json!({ "versions": versions, "holders": holders });
            self.tell(&key_stream(subject), KEYS_SEALED, "SealKeys", &body).await?;
        }
        Ok(keys.forget_intent(person).await?)
    }

    /// Finishes every sealing that was decided and interrupted.
    pub(crate) async fn finish_sealings(&self) -> Result<u64, AppError> {
        let mut finished = 0;
        let before = self.now_us() - INTENT_HELD_US;
        for person in self.vault().keys().intents_before(before).await? {
            // One that does not go must not keep the others waiting.
            match self.finish_sealing(&person).await {
                Ok(()) => finished += 1,
                Err(error) => tracing::error!(%error, "a sealing that was decided is not finished; it is tried again"),
            }
        }
        Ok(finished)
    }

    /// Opens the keys of a person whose seal two people have lifted, with the identities of both holders. Says how many.
    ///
    /// # Errors
    /// [`Reason::PersonSealed`] while the seal stands; [`AppError::Keyring`] when a key does not open with these two, or is
    /// not the one the log committed to.
    pub async fn unseal_keys(&self, person: &str, identities: &[Zeroizing<String>; 2]) -> Result<u64, AppError> {
        if self.person_state(person).await?.sealed {
            return Err(Rejection::from(Reason::PersonSealed).into());
        }
        let (subject, keys) = (subject(person), self.vault().keys());
        let committed = commitments(self.main(), subject).await?;
        let mut versions = Vec::new();
        for sealed in keys.sealed(subject).await? {
            let key =
                open_by_two(&sealed.wrapped, subject, sealed.version, identities).map_err(|error| match error {
                    RecipientError::Identity => {
                        let wrong = Rejection::of(Reason::FieldInvalid, "identity");
                        AppError::from(wrong.with("expected", "AGE-SECRET-KEY-1…"))
                    }
                    _ => KeyringError::DoesNotOpen.into(),
                })?;
            if !committed.contains(&(sealed.version, key.commitment())) {
                return Err(AppError::ForeignKeys);
            }
            let wrapped = self
                .vault()
                .ring()
                .await?
                .wrap(subject, sealed.version, &key, random()?)?;
            let stored = StoredKey {
                subject,
                version: sealed.version,
                wrapped,
                commitment: sealed.commitment,
            };
            if keys.unseal_key(&stored).await? {
                versions.push(sealed.version);
            }
        }
        if !versions.is_empty() {
            let body = serde_json::json!({ "versions": versions });
            self.tell(&key_stream(subject), KEYS_UNSEALED, "UnsealKeys", &body)
                .await?;
        }
        Ok(versions.len() as u64)
    }

    /// Puts what was done with keys into the log.
    pub(crate) async fn tell(
        &self,
        stream: &str,
        event_type: &str,
        command: &str,
        body: &serde_json::Value,
    ) -> Result<(), AppError> {
        let id = ids::digest(&[event_type.as_bytes(), stream.as_bytes(), ids::random().as_bytes()]);
        let mut event = key_event(event_type, body, id);
        event.metadata = self.system_metadata(command).into();
        let append = key_append(stream.to_owned(), ExpectedRevision::Any, event, ACTOR);
        self.main().append(append).await.map(drop).map_err(AppError::from)
    }
}
