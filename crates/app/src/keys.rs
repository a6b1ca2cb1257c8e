//! Chores on keys: a new epoch, which makes erasures final, and comparing keys with what the log committed to.

use std::collections::HashMap;

use waystation_storage::{Direction, LogName, PAGE_EVENTS_MAX, SealedKey, StorageError, StoredKey};
use waystation_trust::{Hash, Keyring};

use crate::access::AccessRecord;
use crate::app::App;
use crate::error::AppError;
use crate::ids;
use crate::ids::subject;
use crate::vault::{KEY_CATEGORY, KEY_CREATED, KEYS_SHREDDED, commitment, random};

/// Stream that says which epochs are gone.
pub(crate) const RING_STREAM: &str = "key-ring";
pub(crate) const EPOCH_DESTROYED: &str = "key.epoch_destroyed.v1";
/// Findings kept.
const FINDINGS_MAX: usize = 100;

/// What a new epoch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The new epoch.
    pub epoch: u32,
    /// Epochs whose keys are gone now.
    pub destroyed: Vec<u32>,
    /// Keys wrapped anew.
    pub rewrapped: u64,
}

/// What comparing keys, or openings, came to.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    /// Keys or openings looked at.
    pub looked_at: u64,
    /// What is wrong, at most a hundred.
    pub findings: Vec<String>,
}

impl KeyReport {
    fn found(&mut self, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what);
        }
    }
}

impl App {
    /// Begins a new epoch, wraps every living key anew and destroys the older epochs: what was wrapped under them, wherever a
    /// copy lies, opens never again. Nobody else may be writing keys meanwhile.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::KeyringFile`]; repeating it goes on.
    pub async fn rotate_keys(&self) -> Result<Rotation, AppError> {
        let mut ring = Keyring::clone(&*self.vault().fresh_ring().await?);
        let epoch = ring.begin_epoch(random()?);
        self.vault().replace_ring(ring.clone()).await?;
        let mut rewrapped = 0;
        let mut last: Option<StoredKey> = None;
        loop {
            let page = self.vault().keys().all(last.as_ref()).await?;
            let Some(end) = page.last().cloned() else { break };
            let mut anew = Vec::new();
            for stored in page.into_iter().filter(|stored| stored.wrapped.epoch != epoch) {
                let key = ring.unwrap(stored.subject, stored.version, &stored.wrapped)?;
                let wrapped = ring.wrap(stored.subject, stored.version, &key, random()?)?;
                anew.push(StoredKey { wrapped, ..stored });
            }
            rewrapped += anew.len() as u64;
            if !anew.is_empty() {
                self.vault().keys().rewrap(&anew).await?;
            }
            last = Some(end);
        }
        let older: Vec<u32> = ring.living().into_iter().filter(|living| *living != epoch).collect();
        // Said first: if the power fails between, a repeated rotation destroys what is left and says so again.
        for epoch in &older {
            let body = serde_json::json!({ "epoch": epoch, "covers": self.main().head().size });
            self.tell(RING_STREAM, EPOCH_DESTROYED, "RotateKeys", &body).await?;
            ring.destroy_epoch(*epoch);
        }
        self.vault().replace_ring(ring).await?;
        self.vault().keys().let_go().await?;
        Ok(Rotation {
            epoch,
            destroyed: older,
            rewrapped,
        })
    }

    /// Compares every stored key with what the log committed to: none swapped, none lost, none kept that was destroyed.
    ///
    /// # Errors
    /// [`AppError::Storage`], or the keyring does not open.
    pub async fn verify_keys(&self) -> Result<KeyReport, AppError> {
        let mut committed: HashMap<[u8; 16], Option<HashMap<u32, Hash>>> = HashMap::new();
        let (mut from, head) = (1, self.main().head().size);
        while from <= head {
            for event in self.main().page_all(from, Direction::Forwards, PAGE_EVENTS_MAX).await? {
                from = event.position + 1;
                let name = event
                    .stream()
                    .split_once('-')
                    .filter(|(category, _)| *category == KEY_CATEGORY);
                let Some(subject) = name.and_then(|(_, hex)| ids::unhex::<16>(hex)) else {
                    continue;
                };
                match event.event_type() {
                    KEY_CREATED => {
                        if let Some((version, commitment)) = commitment(&event) {
                            let keys = committed.entry(subject).or_insert_with(|| Some(HashMap::new()));
                            if let Some(keys) = keys {
                                keys.insert(version, commitment);
                            }
                        }
                    }
                    KEYS_SHREDDED => {
                        committed.insert(subject, None);
                    }
                    _ => {}
                }
            }
        }
        let mut report = KeyReport::default();
        let ring = self.vault().fresh_ring().await?;
        let mut seen: HashMap<[u8; 16], u32> = HashMap::new();
        let mut last: Option<StoredKey> = None;
        loop {
            let page = self.vault().keys().all(last.as_ref()).await?;
            let Some(end) = page.last().cloned() else { break };
            for stored in &page {
                report.looked_at += 1;
                let place = format!("key {} version {}", ids::hex(&stored.subject), stored.version);
                let expected = match committed.get(&stored.subject) {
                    None => continue, // made for an append that did not happen
                    Some(None) => {
                        report.found(format!("{place}: it was to be destroyed and is still there"));
                        continue;
                    }
                    Some(Some(keys)) => keys.get(&stored.version),
                };
                *seen.entry(stored.subject).or_default() += 1;
                let opened = ring.unwrap(stored.subject, stored.version, &stored.wrapped);
                match (expected, opened) {
                    (_, Err(error)) => report.found(format!("{place}: {error}")),
                    (Some(expected), Ok(key)) if *expected == key.commitment() && *expected == stored.commitment => {}
                    _ => report.found(format!("{place}: it is not the key the log committed to")),
                }
            }
            last = Some(end);
        }
        for (subject, keys) in &committed {
            let Some(keys) = keys else { continue };
            let living = seen.get(subject).copied().unwrap_or(0) as usize;
            if living == keys.len() {
                continue;
            }
            let sealed = self.vault().keys().sealed(*subject).await?;
            let kept = |key: &&SealedKey| keys.get(&key.version) == Some(&key.commitment);
            if living + sealed.iter().filter(kept).count() < keys.len() {
                report.found(format!("key {}: it is lost", ids::hex(subject)));
            }
        }
        Ok(report)
    }

    /// Compares every unwrapping of a key with the access record it was allowed by.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn verify_access(&self) -> Result<KeyReport, AppError> {
        let log = self.store().log(LogName::Access);
        let mut report = KeyReport::default();
        let mut last = None;
        loop {
            let page = self.vault().keys().openings(last).await?;
            if page.is_empty() {
                return Ok(report);
            }
            for (position, opened) in &page {
                report.looked_at += 1;
                let event = match log.event_at(*position).await {
                    Err(StorageError::Corrupt { .. }) => None,
                    found => found?,
                };
                let record = event.and_then(|event| serde_json::from_slice::<AccessRecord>(event.data()).ok());
                let named = record.is_some_and(|record| record.persons.iter().any(|person| subject(person) == *opened));
                if !named {
                    report.found(format!(
                        "opening {position}: the key of {} was unwrapped without a record of it",
                        ids::hex(opened)
                    ));
                }
            }
            last = page.last().copied();
        }
    }
}
