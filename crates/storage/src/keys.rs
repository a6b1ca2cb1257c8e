//! Wrapped keys and look-up tokens: the only rows that are ever deleted for good.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;
use waystation_trust::{Hash, TokenKind, Wrapped};

use crate::engine::{Column, Engine, EngineError, Insert, Rows, Update, Value, Write};
use crate::error::StorageError;

/// Rows of one page.
const PAGE_MAX: usize = 500;

/// A person's key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Whose.
    pub subject: [u8; 16],
    /// Which of theirs.
    pub version: u32,
    /// The key, wrapped.
    pub wrapped: Wrapped,
    /// What the key commits to.
    pub commitment: Hash,
}

/// A new key that waits to be kept, and who waits for it.
type Waiting = (StoredKey, oneshot::Sender<Result<bool, StorageError>>);

/// The keys of one installation. Cheap to clone.
#[derive(Clone)]
pub struct KeyStore {
    pub(crate) engine: Arc<dyn Engine>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

pub(crate) fn blob(bytes: &[u8]) -> Column {
    Column::Bytes(vec![Bytes::copy_from_slice(bytes)])
}

pub(crate) fn corrupt(what: &str) -> StorageError {
    StorageError::Corrupt {
        position: 0,
        what: what.to_owned(),
    }
}

fn stored_keys(rows: &Rows) -> Result<Vec<StoredKey>, StorageError> {
    let read = |row: usize| {
        Some(StoredKey {
            subject: rows.slice(row, 0).try_into().ok()?,
            version: u32::try_from(rows.u64(row, 1)).ok()?,
            wrapped: Wrapped {
                epoch: u32::try_from(rows.u64(row, 2)).ok()?,
                bytes: rows.slice(row, 3).to_vec(),
            },
            commitment: rows.slice(row, 4).try_into().ok()?,
        })
    };
    (0..rows.len())
        .map(|row| read(row).ok_or_else(|| corrupt("a stored key has the wrong shape")))
        .collect()
}

/// The writing of new keys, in one commit.
pub(crate) fn kept(keys: &[&StoredKey]) -> Write {
    let bytes = |part: fn(&StoredKey) -> &[u8]| {
        Column::Bytes(keys.iter().map(|key| Bytes::copy_from_slice(part(key))).collect())
    };
    let numbers = |part: fn(&StoredKey) -> i64| Column::I64(keys.iter().map(|key| part(key)).collect());
    let insert = Insert {
        table: "data_key".into(),
        columns: &["subject", "version", "epoch", "wrapped", "commitment"],
        values: vec![
            bytes(|key| &key.subject),
            numbers(|key| i64::from(key.version)),
            numbers(|key| i64::from(key.wrapped.epoch)),
            bytes(|key| &key.wrapped.bytes),
            bytes(|key| &key.commitment),
        ],
    };
    Write {
        inserts: vec![insert],
        ..Write::default()
    }
}

impl KeyStore {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            engine,
            waiting: Arc::default(),
            turn: Arc::default(),
        }
    }

    /// The keyring that is kept in this database, if it is.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn keyring(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let rows = self
            .engine
            .query("SELECT stored FROM keyring WHERE id = 1", Vec::new())
            .await?;
        Ok((!rows.is_empty()).then(|| rows.slice(0, 0).to_vec()))
    }

    /// Puts the first keyring into this database. `false`: another process was first.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_first_keyring(&self, stored: &[u8]) -> Result<bool, StorageError> {
        let insert = Insert {
            table: "keyring".into(),
            columns: &["id", "stored"],
            values: vec![Column::I64(vec![1]), blob(stored)],
        };
        self.insert(insert).await
    }

    /// Puts a keyring in the place of the one in this database.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn replace_keyring(&self, stored: &[u8]) -> Result<(), StorageError> {
        let update = Update {
            table: "keyring".into(),
            columns: &["stored", "id"],
            set: 1,
            only: "",
            values: vec![blob(stored), Column::I64(vec![1])],
        };
        let write = Write {
            updates: vec![update],
            ..Write::default()
        };
        self.engine.write(write).await?;
        Ok(self.engine.scrub("keyring").await?)
    }

    /// Forgets the keyring, which is somewhere else now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drop_keyring(&self) -> Result<(), StorageError> {
        self.delete("keyring", "id = 1", Vec::new()).await?;
        Ok(self.engine.scrub("keyring").await?)
    }

    pub(crate) async fn insert(&self, insert: Insert) -> Result<bool, StorageError> {
        let write = Write {
            inserts: vec![insert],
            ..Write::default()
        };
        match self.engine.write(write).await {
            Ok(_) => Ok(true),
            Err(EngineError::Unique { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a new key. `false`: there is one of this version already. Keys that come while others are being kept share
    /// one commit.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn keep(&self, key: StoredKey) -> Result<bool, StorageError> {
        let (reply, mut answer) = oneshot::channel();
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((key, reply));
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if let Ok(kept) = answer.try_recv() {
            return kept;
        }
        let mut gathered = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let store = self.clone();
        // A task of its own: whoever came first may go away, and the others still get their answer.
        tokio::spawn(async move {
            while !gathered.is_empty() {
                let rest = gathered.split_off(gathered.len().min(PAGE_MAX));
                store.keep_all(gathered).await;
                gathered = rest;
            }
            drop(turn);
        });
        answer.await.unwrap_or(Err(StorageError::Unknown))
    }

    async fn keep_all(&self, gathered: Vec<Waiting>) {
        let keys: Vec<&StoredKey> = gathered.iter().map(|(key, _)| key).collect();
        let together = match self.engine.write(kept(&keys)).await {
            // One of them is there already; which one shows when they are tried alone.
            Err(EngineError::Unique { .. }) => None,
            Ok(_) => Some(Ok(())),
            Err(error) => Some(Err(error.to_string())),
        };
        for (key, reply) in gathered {
            let outcome = match &together {
                Some(Ok(())) => Ok(true),
                Some(Err(what)) => Err(EngineError::Refused(what.clone()).into()),
                None => match self.engine.write(kept(&[&key])).await {
                    Ok(_) => Ok(true),
                    Err(EngineError::Unique { .. }) => Ok(false),
                    Err(error) => Err(error.into()),
                },
            };
            let _ = reply.send(outcome);
        }
    }

    /// All keys of a person, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn of(&self, subject: [u8; 16]) -> Result<Vec<StoredKey>, StorageError> {
        let sql =
            "SELECT subject, version, epoch, wrapped, commitment FROM data_key WHERE subject = $1 ORDER BY version";
        let rows = self
            .engine
            .query(sql, vec![Value::Bytes(subject.to_vec().into())])
            .await?;
        stored_keys(&rows)
    }

    /// A page of all keys, after one; by person and version.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn all(&self, after: Option<&StoredKey>) -> Result<Vec<StoredKey>, StorageError> {
        let sql = "SELECT subject, version, epoch, wrapped, commitment FROM data_key \
                   WHERE subject > $1 OR (subject = $1 AND version > $2) ORDER BY subject, version LIMIT $3";
        let (subject, version) = after.map_or((Vec::new(), -1), |key| (key.subject.to_vec(), i64::from(key.version)));
        let parameters = vec![
            Value::Bytes(subject.into()),
            Value::I64(version),
            Value::I64(PAGE_MAX as i64),
        ];
        stored_keys(&self.engine.query(sql, parameters).await?)
    }

    /// Puts newly wrapped keys in the place of the same keys under an older epoch.
    ///
    /// # Errors
    /// When the database cannot be written; nothing was.
    pub async fn rewrap(&self, keys: &[StoredKey]) -> Result<(), StorageError> {
        let numbers = |part: fn(&StoredKey) -> i64| Column::I64(keys.iter().map(part).collect());
        let update = Update {
            table: "data_key".into(),
            columns: &["epoch", "wrapped", "subject", "version"],
            set: 2,
            only: "",
            values: vec![
                numbers(|key| i64::from(key.wrapped.epoch)),
                Column::Bytes(keys.iter().map(|key| key.wrapped.bytes.clone().into()).collect()),
                Column::Bytes(keys.iter().map(|key| key.subject.to_vec().into()).collect()),
                numbers(|key| i64::from(key.version)),
            ],
        };
        let write = Write {
            updates: vec![update],
            ..Write::default()
        };
        self.engine.write(write).await?;
        Ok(())
    }

    /// Destroys all keys of a person, with their look-up tokens, leaves a tombstone for each, and makes the database let go
    /// of the bytes as far as it can.
    ///
    /// # Errors
    /// When the database cannot be written; calling again goes on.
    pub async fn destroy(&self, subject: [u8; 16], person: &str, now_us: i64) -> Result<Vec<StoredKey>, StorageError> {
        let keys = self.of(subject).await?;
        let living = keys.iter().map(|key| (key.version, key.commitment));
        let sealed = self.sealed(subject).await?;
        for (version, commitment) in living.chain(sealed.iter().map(|key| (key.version, key.commitment))) {
            let insert = Insert {
                table: "key_tombstone".into(),
                columns: &["subject", "version", "commitment", "destroyed_us"],
                values: vec![
                    blob(&subject),
                    Column::I64(vec![i64::from(version)]),
                    blob(&commitment),
                    Column::I64(vec![now_us]),
                ],
            };
            self.insert(insert).await?;
        }
        for table in ["data_key", "sealed_key"] {
            self.delete(table, "subject = $1", vec![Value::Bytes(subject.to_vec().into())])
                .await?;
        }
        self.forget_tokens(person).await?;
        self.engine.scrub("data_key").await?;
        self.engine.scrub("sealed_key").await?;
        self.engine.scrub("lookup").await?;
        Ok(keys)
    }

    /// Makes the database let go of the bytes of keys that were deleted or wrapped anew, as far as it can.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn let_go(&self) -> Result<(), StorageError> {
        Ok(self.engine.scrub("data_key").await?)
    }

    pub(crate) async fn delete(&self, table: &str, place: &str, parameters: Vec<Value>) -> Result<(), StorageError> {
        let guard = format!("DELETE FROM {table} WHERE {place} RETURNING 1");
        let write = Write {
            guard: Some((guard, parameters)),
            ..Write::default()
        };
        self.engine.write(write).await?;
        Ok(())
    }

    /// Versions and commitments of a person's destroyed keys.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn tombstones(&self, subject: [u8; 16]) -> Result<Vec<(u32, Hash)>, StorageError> {
        let sql = "SELECT version, commitment FROM key_tombstone WHERE subject = $1 ORDER BY version";
        let rows = self
            .engine
            .query(sql, vec![Value::Bytes(subject.to_vec().into())])
            .await?;
        let read = |row: usize| {
            Some((
                u32::try_from(rows.u64(row, 0)).ok()?,
                rows.slice(row, 1).try_into().ok()?,
            ))
        };
        (0..rows.len())
            .map(|row| read(row).ok_or_else(|| corrupt("a tombstone has the wrong shape")))
            .collect()
    }

    /// Makes a person findable by a token. `false`: the token is a person's already, and may be only one's.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn make_findable(
        &self,
        kind: TokenKind,
        token: [u8; 16],
        person: &str,
        now_us: i64,
    ) -> Result<bool, StorageError> {
        let insert = Insert {
            table: "lookup".into(),
            columns: &["kind", "token", "person", "claimed_us"],
            values: vec![
                Column::Text(vec![kind.as_str().to_owned()]),
                blob(&token),
                Column::Text(vec![person.to_owned()]),
                Column::I64(vec![now_us]),
            ],
        };
        self.insert(insert).await
    }

    /// The first person with a token, and since when.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn holder(&self, kind: TokenKind, token: [u8; 16]) -> Result<Option<(String, i64)>, StorageError> {
        let sql = "SELECT person, claimed_us FROM lookup WHERE kind = $1 AND token = $2 ORDER BY person LIMIT 1";
        let parameters = vec![
            Value::Text(kind.as_str().to_owned()),
            Value::Bytes(token.to_vec().into()),
        ];
        let rows = self.engine.query(sql, parameters).await?;
        Ok((!rows.is_empty()).then(|| (rows.text(0, 0), rows.i64(0, 1))))
    }

    /// Makes a person findable by nothing any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_tokens(&self, person: &str) -> Result<(), StorageError> {
        self.delete("lookup", "person = $1", vec![Value::Text(person.to_owned())])
            .await
    }

    /// Takes a token of a person back.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn make_unfindable(&self, kind: TokenKind, token: [u8; 16], person: &str) -> Result<(), StorageError> {
        let parameters = vec![
            Value::Text(kind.as_str().to_owned()),
            Value::Bytes(token.to_vec().into()),
            Value::Text(person.to_owned()),
        ];
        self.delete("lookup", "kind = $1 AND token = $2 AND person = $3", parameters)
            .await
    }

    /// The persons with a token.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(&self, kind: TokenKind, token: [u8; 16]) -> Result<Vec<String>, StorageError> {
        let sql = "SELECT person FROM lookup WHERE kind = $1 AND token = $2 ORDER BY person LIMIT $3";
        let parameters = vec![
            Value::Text(kind.as_str().to_owned()),
            Value::Bytes(token.to_vec().into()),
            Value::I64(PAGE_MAX as i64),
        ];
        let rows = self.engine.query(sql, parameters).await?;
        Ok((0..rows.len()).map(|row| rows.text(row, 0)).collect())
    }

    /// Writes down, before it happens, that keys are unwrapped on the strength of the access record at a position.
    ///
    /// # Errors
    /// When the database cannot be written; nothing may be unwrapped then.
    pub async fn record_openings(&self, position: u64, subjects: &[[u8; 16]]) -> Result<(), StorageError> {
        let insert = Insert {
            table: "key_opening".into(),
            columns: &["position", "subject"],
            values: vec![
                Column::I64(vec![position as i64; subjects.len()]),
                Column::Bytes(subjects.iter().map(|subject| subject.to_vec().into()).collect()),
            ],
        };
        // Opened again under the same record: it is written down already.
        self.insert(insert).await.map(drop)
    }

    /// A page of openings, after one: position of the access record, and person.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn openings(&self, after: Option<(u64, [u8; 16])>) -> Result<Vec<(u64, [u8; 16])>, StorageError> {
        let sql = "SELECT position, subject FROM key_opening \
                   WHERE position > $1 OR (position = $1 AND subject > $2) ORDER BY position, subject LIMIT $3";
        let (position, subject) = after.map_or((-1, Vec::new()), |(at, subject)| (at as i64, subject.to_vec()));
        let parameters = vec![
            Value::I64(position),
            Value::Bytes(subject.into()),
            Value::I64(PAGE_MAX as i64),
        ];
        let rows = self.engine.query(sql, parameters).await?;
        let read = |row: usize| Some((rows.u64(row, 0), rows.slice(row, 1).try_into().ok()?));
        (0..rows.len())
            .map(|row| read(row).ok_or_else(|| corrupt("an opening has the wrong shape")))
            .collect()
    }
}
