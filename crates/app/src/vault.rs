//! Seals and opens personal fields. Sealing needs no permission; opening needs an [`AccessReceipt`], which only a durable
//! access record gives.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use lru::LruCache;
use waystation_storage::{
    Append, Direction, ExpectedRevision, KeyStore, Log, NewEvent, RecordedEvent, SealedPart, StoredKey, StreamAppend,
};
use waystation_trust::envelope::{NONCE_BYTES, open, seal};
use waystation_trust::{DataKey, Hash, Header, Keyring, KeyringError, Place, TokenKind};
use zeroize::Zeroizing;

use crate::access::AccessReceipt;
use crate::error::AppError;
use crate::ids::{self, subject};
use crate::keyring_source::{KeyringSource, read_file, write_keyring_file};
use crate::system::keyring_id;

/// Category of the streams that say which keys there are.
pub(crate) const KEY_CATEGORY: &str = "key";
/// Header category of key events.
const CATEGORY_KEY: u8 = 3;
/// A key was made; the log commits to it.
pub(crate) const KEY_CREATED: &str = "key.created.v1";
/// A person's keys were destroyed.
pub(crate) const KEYS_SHREDDED: &str = "key.shredded.v1";
/// Keys that are known to be in the log.
const ANNOUNCED_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("is not zero");

/// The keys at work.
pub(crate) struct Vault {
    keys: KeyStore,
    source: KeyringSource,
    ring: RwLock<Option<Loaded>>,
    /// The keyring the log began with.
    expected: OnceLock<[u8; 16]>,
    announced: std::sync::Mutex<LruCache<[u8; 16], u32>>,
}

/// The keyring with the bytes it was read from, to notice that another process has changed it.
struct Loaded {
    stored: Zeroizing<Vec<u8>>,
    ring: Arc<Keyring>,
}

/// A personal field as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// The text.
    Open(Zeroizing<String>),
    /// It is there, and not for this reader.
    Sealed,
    /// Its key is gone for good.
    Erased,
    /// The event has no such field.
    Absent,
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], AppError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| AppError::Internal(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

pub(crate) fn key_stream(subject: [u8; 16]) -> String {
    format!("{KEY_CATEGORY}-{}", ids::hex(&subject))
}

/// A person's key, ready to seal with.
pub(crate) struct Sealing {
    subject: [u8; 16],
    version: u32,
    key: DataKey,
    /// The event that says so, when the log does not yet.
    announcement: Option<(ExpectedRevision, NewEvent)>,
}

impl Vault {
    pub(crate) fn new(keys: KeyStore, source: KeyringSource) -> Self {
        Self {
            keys,
            source,
            ring: RwLock::new(None),
            expected: OnceLock::new(),
            announced: std::sync::Mutex::new(LruCache::new(ANNOUNCED_KEPT_MAX)),
        }
    }

    /// Refuses every keyring but this one from here on.
    pub(crate) fn expect(&self, keyring: Option<[u8; 16]>) {
        if let Some(keyring) = keyring {
            let _ = self.expected.set(keyring);
        }
    }

    pub(crate) fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// The keyring, read when first needed; made when the database is to keep it and has none.
    pub(crate) async fn ring(&self) -> Result<Arc<Keyring>, AppError> {
        if let Some(loaded) = &*self.ring.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(&loaded.ring));
        }
        self.fresh_ring().await
    }

    /// The keyring as it is stored now.
    pub(crate) async fn fresh_ring(&self) -> Result<Arc<Keyring>, AppError> {
        let stored = self.stored().await?;
        if let Some(loaded) = &*self.ring.read().unwrap_or_else(PoisonError::into_inner)
            && loaded.stored == stored
        {
            return Ok(Arc::clone(&loaded.ring));
        }
        let source = self.source.clone();
        let bytes = stored.clone();
        // Argon2 takes its time on purpose.
        let ring = tokio::task::spawn_blocking(move || {
            Ok::<_, AppError>(match &source {
                KeyringSource::Database => Keyring::unlock(&bytes, None)?,
                KeyringSource::File { passphrase, .. } => Keyring::unlock(&bytes, Some(passphrase))?,
                KeyringSource::Device { root, .. } => Keyring::unlock(&root.open(&bytes)?, None)?,
            })
        })
        .await
        .map_err(|error| AppError::Internal(error.to_string()))??;
        if self
            .expected
            .get()
            .is_some_and(|expected| *expected != keyring_id(&ring))
        {
            return Err(AppError::ForeignKeys);
        }
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(Loaded {
            stored,
            ring: Arc::clone(&ring),
        });
        Ok(ring)
    }

    async fn stored(&self) -> Result<Zeroizing<Vec<u8>>, AppError> {
        match &self.source {
            KeyringSource::File { path, .. } | KeyringSource::Device { path, .. } => {
                read_file(path).map(Zeroizing::new)
            }
            KeyringSource::Database => loop {
                if let Some(stored) = self.keys.keyring().await? {
                    return Ok(Zeroizing::new(stored));
                }
                // Whoever is first, one keyring is there afterwards.
                let first = Keyring::new(&random()?).unprotected();
                self.keys.put_first_keyring(&first).await?;
            },
        }
    }

    /// Puts a changed keyring in the place of the old, durably.
    pub(crate) async fn replace_ring(&self, ring: Keyring) -> Result<(), AppError> {
        let stored = match &self.source {
            KeyringSource::Database => {
                let stored = ring.unprotected();
                self.keys.replace_keyring(&stored).await?;
                stored
            }
            KeyringSource::File { path, passphrase } => {
                let stored = ring.lock(passphrase, &random()?)?;
                write_keyring_file(path, &stored)?;
                Zeroizing::new(stored)
            }
            KeyringSource::Device { path, root } => {
                let stored = root.seal(&ring.unprotected())?;
                write_keyring_file(path, &stored)?;
                Zeroizing::new(stored)
            }
        };
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(Loaded {
            stored,
            ring: Arc::new(ring),
        });
        Ok(())
    }

    /// The key to seal a person's fields with; made when the person has none.
    pub(crate) async fn sealing(&self, person: &str, log: &Log, seed: &[u8; 16]) -> Result<Sealing, AppError> {
        let subject = subject(person);
        let stored = match self.keys.of(subject).await?.pop() {
            Some(stored) => stored,
            None => self.make(subject).await?,
        };
        let key = self.unwrap(&stored).await?;
        let known = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&subject)
            .is_some_and(|version| *version == stored.version);
        let mut announcement = None;
        if !known {
            let committed = commitments(log, subject).await?;
            if !committed.is_empty() {
                let newest = committed.iter().map(|(version, _)| *version).max().unwrap_or_default();
                if stored.version > newest {
                    // Those before it are with the holders of sealed keys.
                    let last = log.last_revision(&key_stream(subject)).await?;
                    let expected = last.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
                    return Ok(Sealing {
                        subject,
                        version: stored.version,
                        key,
                        announcement: Some((expected, created(&stored, seed))),
                    });
                }
                if !committed.contains(&(stored.version, stored.commitment)) {
                    return Err(AppError::ForeignKeys);
                }
                self.announced
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .put(subject, stored.version);
            } else {
                announcement = Some((ExpectedRevision::NoStream, created(&stored, seed)));
            }
        }
        Ok(Sealing {
            subject,
            version: stored.version,
            key,
            announcement,
        })
    }

    async fn make(&self, subject: [u8; 16]) -> Result<StoredKey, AppError> {
        if !self.keys.tombstones(subject).await?.is_empty() {
            return Err(AppError::Rejected(waystation_domain::Reason::PersonErased.into()));
        }
        let ring = self.ring().await?;
        let key = DataKey::new(random()?);
        // What is written about somebody sealed gets a key of its own; the older ones are with their holders.
        let version = self.keys.sealed(subject).await?.last().map_or(1, |key| key.version + 1);
        let mut stored = StoredKey {
            subject,
            version,
            wrapped: ring.wrap(subject, version, &key, random()?)?,
            commitment: key.commitment(),
        };
        if self.keys.keep(stored.clone()).await? {
            // A rotation may have passed over it since the keyring was read.
            let wrapped = self.fresh_ring().await?.wrap(subject, version, &key, random()?)?;
            if wrapped.epoch != stored.wrapped.epoch {
                stored.wrapped = wrapped;
                self.keys.rewrap(std::slice::from_ref(&stored)).await?;
            }
            return Ok(stored);
        }
        let kept = self.keys.of(subject).await?.pop();
        kept.ok_or_else(|| AppError::Internal("a key that was there is gone".into()))
    }

    pub(crate) async fn unwrap(&self, stored: &StoredKey) -> Result<DataKey, AppError> {
        let ring = self.ring().await?;
        match ring.unwrap(stored.subject, stored.version, &stored.wrapped) {
            Err(KeyringError::NoSuchEpoch) => {
                // Another process may have begun an epoch.
                let ring = self.fresh_ring().await?;
                Ok(ring.unwrap(stored.subject, stored.version, &stored.wrapped)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Opens a field of an event about a person, on the strength of a receipt.
    pub(crate) async fn open(
        &self,
        receipt: &AccessReceipt,
        log: &Log,
        person: &str,
        (position, field): (u64, waystation_domain::Field),
    ) -> Result<FieldValue, AppError> {
        if !receipt.covers(person, field.class()) {
            return Err(AppError::Internal(
                "a receipt does not cover what is to be opened".into(),
            ));
        }
        let Some((event, envelope)) = log.envelope(position, field.number()).await? else {
            return Ok(FieldValue::Absent);
        };
        let undecodable = |what: &str| AppError::Undecodable {
            position,
            what: what.to_owned(),
        };
        let header = Header::parse(&event.header).map_err(|_| undecodable("the header does not parse"))?;
        let part = header.sealed.iter().find(|part| part.field == field.number());
        let part = part.ok_or_else(|| undecodable("the field is not in the header"))?;
        if part.subject != subject(person) {
            return Err(undecodable("the field is sealed with another person's key"));
        }
        let known = receipt.key(part.subject, part.key_version);
        let key = match known {
            Some(key) => key,
            None => {
                let stored = self.keys.of(part.subject).await?;
                let Some(stored) = stored.iter().find(|stored| stored.version == part.key_version) else {
                    let sealed = self.keys.sealed(part.subject).await?;
                    let held = sealed.iter().any(|key| key.version == part.key_version);
                    return Ok(if held { FieldValue::Sealed } else { FieldValue::Erased });
                };
                let committed = commitments(log, part.subject).await?;
                let committed = committed.iter().find(|(version, _)| *version == part.key_version);
                let (_, committed) = committed.ok_or_else(|| undecodable("the log does not commit to the key"))?;
                let key = Arc::new((self.unwrap(stored).await?, *committed));
                receipt.keep(part.subject, part.key_version, Arc::clone(&key));
                key
            }
        };
        let (key, committed) = &*key;
        let place = Place {
            log: log.name().as_str(),
            stream: header.stream,
            revision: header.revision,
            event_id: header.event_id,
            event_type: header.event_type,
            schema: header.schema,
            field: part.field,
            subject: part.subject,
            key_version: part.key_version,
        };
        let opened = open(key, committed, &place, &envelope).map_err(|error| undecodable(&error.to_string()))?;
        let text = String::from_utf8(opened.to_vec()).map_err(|_| undecodable("the field is no text"))?;
        Ok(FieldValue::Open(Zeroizing::new(text)))
    }

    pub(crate) async fn token(&self, kind: TokenKind, value: &str) -> Result<[u8; 16], AppError> {
        let (ring, value) = (self.ring().await?, Zeroizing::new(value.to_owned()));
        tokio::task::spawn_blocking(move || ring.token(kind, &value))
            .await
            .map_err(|error| AppError::Internal(error.to_string()))?
            .map_err(AppError::from)
    }
}

impl Sealing {
    /// Seals the personal fields of an event at its place.
    pub(crate) fn seal(
        &self,
        log: &Log,
        (stream, revision): (&str, u64),
        event: &mut NewEvent,
        fields: &[(waystation_domain::Field, &str)],
    ) -> Result<(), AppError> {
        for (field, text) in fields {
            let place = Place {
                log: log.name().as_str(),
                stream,
                revision,
                event_id: event.id,
                event_type: &event.event_type,
                schema: event.schema,
                field: field.number(),
                subject: self.subject,
                key_version: self.version,
            };
            let nonce: [u8; NONCE_BYTES] = random()?;
            let envelope = seal(&self.key, &place, nonce, text.as_bytes())
                .map_err(|error| AppError::Internal(error.to_string()))?;
            event.sealed.push(SealedPart {
                subject: self.subject,
                key_version: self.version,
                field: field.number(),
                envelope: envelope.into(),
            });
        }
        Ok(())
    }

    /// What must be appended with the first event that is sealed with the key.
    pub(crate) fn announcement(self, metadata: &[u8]) -> Option<StreamAppend> {
        let (expected, mut event) = self.announcement?;
        event.metadata = metadata.to_vec().into();
        Some(StreamAppend {
            stream: key_stream(self.subject),
            expected,
            events: vec![event],
        })
    }
}

fn created(stored: &StoredKey, seed: &[u8; 16]) -> NewEvent {
    let body = serde_json::json!({
        "version": stored.version,
        "commitment": ids::hex(&stored.commitment),
        "epoch": stored.wrapped.epoch,
    });
    key_event(KEY_CREATED, &body, ids::digest(&[b"key", seed, &stored.subject]))
}

pub(crate) fn key_event(event_type: &str, body: &serde_json::Value, id: [u8; 16]) -> NewEvent {
    NewEvent {
        id,
        event_type: event_type.to_owned(),
        schema: 1,
        content_type: "application/json",
        metadata: Default::default(),
        data: body.to_string().into_bytes().into(),
        sealed: Vec::new(),
    }
}

/// The append of a key event that the system itself makes.
pub(crate) fn key_append(stream: String, expected: ExpectedRevision, event: NewEvent, actor: &str) -> Append {
    Append {
        request: None,
        category: CATEGORY_KEY,
        actor: ids::principal(actor),
        causation: [0; 16],
        streams: vec![StreamAppend {
            stream,
            expected,
            events: vec![event],
        }],
    }
}

/// Version and commitment of a created key; `None` when they do not read.
pub(crate) fn commitment(created: &RecordedEvent) -> Option<(u32, Hash)> {
    commitment_in(created.data())
}

/// The same, of a stored body.
pub(crate) fn stored_commitment(body: &[u8]) -> Option<(u32, Hash)> {
    let [_, _, data] = waystation_trust::parse_body(body).ok()?;
    commitment_in(body.get(data)?)
}

fn commitment_in(data: &[u8]) -> Option<(u32, Hash)> {
    let body: serde_json::Value = serde_json::from_slice(data).ok()?;
    let version = u32::try_from(body["version"].as_u64()?).ok()?;
    Some((version, ids::unhex(body["commitment"].as_str()?)?))
}

/// What the log says a person's keys commit to, by version.
pub(crate) async fn commitments(log: &Log, subject: [u8; 16]) -> Result<Vec<(u32, Hash)>, AppError> {
    let events = log
        .read_stream(&key_stream(subject), 0, Direction::Forwards, 64)
        .await?;
    let created = events.iter().filter(|event| event.event_type() == KEY_CREATED);
    created
        .map(|event| {
            commitment(event).ok_or_else(|| AppError::Undecodable {
                position: event.position,
                what: "a key's commitment does not read".into(),
            })
        })
        .collect()
}
