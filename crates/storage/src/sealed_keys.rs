//! Keys of sealed people: taken out of the row that the server opens by itself, and put where two holders open it.

use bytes::Bytes;
use waystation_trust::Hash;

use crate::engine::{Column, Insert, Rows, Update, Value, Write};
use crate::error::StorageError;
use crate::keys::{KeyStore, StoredKey, blob, corrupt, kept};

/// People whose sealing is finished in one round.
const INTENTS_MAX: i64 = 1_000;

/// A key that is encrypted to two holders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    /// Whose.
    pub subject: [u8; 16],
    /// Which of theirs.
    pub version: u32,
    /// What the key commits to.
    pub commitment: Hash,
    /// Encrypted to the first holder, then to the second.
    pub wrapped: Bytes,
}

fn by_version(subject: [u8; 16], version: u32) -> Vec<Value> {
    vec![Value::Bytes(subject.to_vec().into()), Value::I64(i64::from(version))]
}

impl KeyStore {
    /// Puts a key that is encrypted to two holders in the place of the one the server opens. `false`: that one is gone.
    ///
    /// # Errors
    /// When the database cannot be written; nothing was.
    pub async fn seal_key(&self, key: &SealedKey) -> Result<bool, StorageError> {
        let take = "DELETE FROM data_key WHERE subject = $1 AND version = $2 RETURNING 1";
        let insert = Insert {
            table: "sealed_key".into(),
            columns: &["subject", "version", "commitment", "wrapped"],
            values: vec![
                blob(&key.subject),
                Column::I64(vec![i64::from(key.version)]),
                blob(&key.commitment),
                blob(&key.wrapped),
            ],
        };
        self.swap(take, by_version(key.subject, key.version), vec![insert])
            .await
    }

    /// Puts a key that the server opens back in the place of the sealed one. `false`: that one is gone.
    ///
    /// # Errors
    /// When the database cannot be written; nothing was.
    pub async fn unseal_key(&self, key: &StoredKey) -> Result<bool, StorageError> {
        let take = "DELETE FROM sealed_key WHERE subject = $1 AND version = $2 RETURNING 1";
        self.swap(take, by_version(key.subject, key.version), kept(&[key]).inserts)
            .await
    }

    async fn swap(&self, take: &str, which: Vec<Value>, inserts: Vec<Insert>) -> Result<bool, StorageError> {
        let write = Write {
            guard: Some((take.to_owned(), which)),
            inserts,
            ..Write::default()
        };
        Ok(self.engine.write(write).await?)
    }

    /// A person's sealed keys, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sealed(&self, subject: [u8; 16]) -> Result<Vec<SealedKey>, StorageError> {
        let sql = "SELECT version, commitment, wrapped FROM sealed_key WHERE subject = $1 ORDER BY version";
        let rows = self
            .engine
            .query(sql, vec![Value::Bytes(subject.to_vec().into())])
            .await?;
        let read = |row: usize| {
            Some(SealedKey {
                subject,
                version: u32::try_from(rows.u64(row, 0)).ok()?,
                commitment: rows.slice(row, 1).try_into().ok()?,
                wrapped: Bytes::copy_from_slice(rows.slice(row, 2)),
            })
        };
        (0..rows.len())
            .map(|row| read(row).ok_or_else(|| corrupt("a sealed key has the wrong shape")))
            .collect()
    }

    /// Whom keys of sealed people are encrypted to; `None` when nobody was named.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn key_holders(&self) -> Result<Option<[String; 2]>, StorageError> {
        let sql = "SELECT recipient FROM key_holder ORDER BY place";
        let rows: Rows = self.engine.query(sql, Vec::new()).await?;
        Ok((rows.len() == 2).then(|| [rows.text(0, 0), rows.text(1, 0)]))
    }

    /// Names them, in the place of others; what is sealed stays with those it was sealed to.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn name_key_holders(&self, holders: &[String; 2]) -> Result<(), StorageError> {
        let insert = Insert {
            table: "key_holder".into(),
            columns: &["place", "recipient"],
            values: vec![Column::I64(vec![1, 2]), Column::Text(holders.to_vec())],
        };
        if self.key_holders().await?.is_none() {
            return self.insert(insert).await.map(drop);
        }
        let update = Update {
            table: "key_holder".into(),
            columns: &["recipient", "place"],
            set: 1,
            only: "",
            values: vec![Column::Text(holders.to_vec()), Column::I64(vec![1, 2])],
        };
        let write = Write {
            updates: vec![update],
            ..Write::default()
        };
        self.engine.write(write).await?;
        Ok(())
    }

    /// Notes that a person is about to be sealed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn intend_to_seal(&self, person: &str, now_us: i64) -> Result<(), StorageError> {
        let insert = Insert {
            table: "seal_intent".into(),
            columns: &["person", "since_us"],
            values: vec![Column::Text(vec![person.to_owned()]), Column::I64(vec![now_us])],
        };
        // There already: an earlier attempt was interrupted.
        self.insert(insert).await.map(drop)
    }

    /// Forgets such a note.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_intent(&self, person: &str) -> Result<(), StorageError> {
        self.delete("seal_intent", "person = $1", vec![Value::Text(person.to_owned())])
            .await
    }

    /// Such notes that are older than a moment.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn intents_before(&self, us: i64) -> Result<Vec<String>, StorageError> {
        let sql = "SELECT person FROM seal_intent WHERE since_us < $1 ORDER BY since_us LIMIT $2";
        let rows = self
            .engine
            .query(sql, vec![Value::I64(us), Value::I64(INTENTS_MAX)])
            .await?;
        Ok((0..rows.len()).map(|row| rows.text(row, 0)).collect())
    }
}
