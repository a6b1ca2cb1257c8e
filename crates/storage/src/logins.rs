//! Secrets of accounts, passwords, second factors and sessions, as far as they are kept: digests, salts and times.

use bytes::Bytes;

use crate::engine::{Column, Insert, Update, Value, Write};
use crate::error::StorageError;
use crate::keys::{KeyStore, blob, corrupt};

/// A password as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLogin {
    /// Salt of its own.
    pub salt: [u8; 16],
    /// What the password comes to with it.
    pub verifier: [u8; 32],
}

/// A second factor as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFactor {
    /// What its secret is made of, with the keyring.
    pub nonce: [u8; 16],
    /// Its owner has shown to have it.
    pub confirmed: bool,
    /// The newest step whose code was taken.
    pub last_step: u64,
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Whose.
    pub principal: String,
    /// When it began, microseconds since 1970 UTC.
    pub begun_us: i64,
    /// About when it was last used.
    pub seen_us: i64,
}

fn text(text: &str) -> Vec<Value> {
    vec![Value::Text(text.to_owned())]
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(Bytes::copy_from_slice(bytes))
}

impl KeyStore {
    async fn put(&self, insert: Insert, principal: &str) -> Result<(), StorageError> {
        self.delete(&insert.table, "principal = $1", text(principal)).await?;
        self.insert(insert).await.map(drop)
    }

    /// Keeps the digest of somebody's secret, in the place of an older one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_credential(&self, principal: &str, verifier: &[u8; 32]) -> Result<(), StorageError> {
        self.drop_credential(principal).await?;
        let insert = Insert {
            table: "credential".into(),
            columns: &["principal", "verifier"],
            values: vec![Column::Text(vec![principal.to_owned()]), blob(verifier)],
        };
        self.insert(insert).await.map(drop)
    }

    /// Forgets somebody's secret.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drop_credential(&self, principal: &str) -> Result<(), StorageError> {
        self.delete("credential", "principal = $1", text(principal)).await
    }

    /// The digest of somebody's secret.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn credential(&self, principal: &str) -> Result<Option<[u8; 32]>, StorageError> {
        let sql = "SELECT verifier FROM credential WHERE principal = $1";
        let rows = self.engine.query(sql, text(principal)).await?;
        Ok(if rows.is_empty() {
            None
        } else {
            rows.slice(0, 0).try_into().ok()
        })
    }

    /// Whoever has a secret, so many of them, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn principals(&self, limit: usize) -> Result<Vec<String>, StorageError> {
        let sql = "SELECT principal FROM credential ORDER BY principal LIMIT $1";
        let rows = self.engine.query(sql, vec![Value::I64(limit as i64)]).await?;
        Ok((0..rows.len()).map(|row| rows.text(row, 0)).collect())
    }

    /// Keeps somebody's password, in the place of an older one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_login(&self, principal: &str, login: &StoredLogin) -> Result<(), StorageError> {
        let insert = Insert {
            table: "login".into(),
            columns: &["principal", "salt", "verifier"],
            values: vec![
                Column::Text(vec![principal.to_owned()]),
                blob(&login.salt),
                blob(&login.verifier),
            ],
        };
        self.put(insert, principal).await
    }

    /// Somebody's password.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn login(&self, principal: &str) -> Result<Option<StoredLogin>, StorageError> {
        let sql = "SELECT salt, verifier FROM login WHERE principal = $1";
        let rows = self.engine.query(sql, text(principal)).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let read = || {
            Some(StoredLogin {
                salt: rows.slice(0, 0).try_into().ok()?,
                verifier: rows.slice(0, 1).try_into().ok()?,
            })
        };
        read().map(Some).ok_or_else(|| corrupt("a login has the wrong shape"))
    }

    /// Keeps somebody's second factor, in the place of an older one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_factor(&self, principal: &str, factor: &StoredFactor) -> Result<(), StorageError> {
        let insert = Insert {
            table: "second_factor".into(),
            columns: &["principal", "nonce", "confirmed", "last_step"],
            values: vec![
                Column::Text(vec![principal.to_owned()]),
                blob(&factor.nonce),
                Column::I64(vec![i64::from(factor.confirmed)]),
                Column::I64(vec![factor.last_step as i64]),
            ],
        };
        self.put(insert, principal).await
    }

    /// Somebody's second factor.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn factor(&self, principal: &str) -> Result<Option<StoredFactor>, StorageError> {
        let sql = "SELECT nonce, confirmed, last_step FROM second_factor WHERE principal = $1";
        let rows = self.engine.query(sql, text(principal)).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let nonce = rows.slice(0, 0).try_into();
        Ok(Some(StoredFactor {
            nonce: nonce.map_err(|_| corrupt("a second factor has the wrong shape"))?,
            confirmed: rows.u64(0, 1) == 1,
            last_step: rows.u64(0, 2),
        }))
    }

    /// Takes the code of a step, and confirms the factor. `false`: that step's, or a later one's, was taken before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_step(&self, principal: &str, step: u64) -> Result<bool, StorageError> {
        let take = "UPDATE second_factor SET confirmed = 1, last_step = $2 WHERE principal = $1 AND last_step < $2 RETURNING 1";
        let write = Write {
            guard: Some((
                take.to_owned(),
                vec![Value::Text(principal.to_owned()), Value::I64(step as i64)],
            )),
            ..Write::default()
        };
        Ok(self.engine.write(write).await?)
    }

    /// Keeps a session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_session(&self, digest: &[u8; 32], session: &StoredSession) -> Result<(), StorageError> {
        let insert = Insert {
            table: "session".into(),
            columns: &["digest", "principal", "begun_us", "seen_us"],
            values: vec![
                blob(digest),
                Column::Text(vec![session.principal.clone()]),
                Column::I64(vec![session.begun_us]),
                Column::I64(vec![session.seen_us]),
            ],
        };
        self.insert(insert).await.map(drop)
    }

    /// The session of a digest.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn session(&self, digest: &[u8; 32]) -> Result<Option<StoredSession>, StorageError> {
        let sql = "SELECT principal, begun_us, seen_us FROM session WHERE digest = $1";
        let rows = self.engine.query(sql, vec![bytes(digest)]).await?;
        Ok((!rows.is_empty()).then(|| StoredSession {
            principal: rows.text(0, 0),
            begun_us: rows.u64(0, 1) as i64,
            seen_us: rows.u64(0, 2) as i64,
        }))
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn see_session(&self, digest: &[u8; 32], now_us: i64) -> Result<(), StorageError> {
        let update = Update {
            table: "session".into(),
            columns: &["seen_us", "digest"],
            set: 1,
            only: "",
            values: vec![Column::I64(vec![now_us]), blob(digest)],
        };
        let write = Write {
            updates: vec![update],
            ..Write::default()
        };
        self.engine.write(write).await?;
        Ok(())
    }

    /// Ends one session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drop_session(&self, digest: &[u8; 32]) -> Result<(), StorageError> {
        self.delete("session", "digest = $1", vec![bytes(digest)]).await
    }

    /// Ends somebody's sessions: all, or those but the newest few.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drop_sessions(&self, principal: &str, but: u32) -> Result<(), StorageError> {
        let which = "principal = $1 AND digest NOT IN \
                     (SELECT digest FROM session WHERE principal = $1 ORDER BY begun_us DESC, digest LIMIT $2)";
        let parameters = vec![Value::Text(principal.to_owned()), Value::I64(i64::from(but))];
        self.delete("session", which, parameters).await
    }

    /// Forgets how somebody logs in: password, second factor and sessions.
    ///
    /// # Errors
    /// When the database cannot be written; calling again goes on.
    pub async fn drop_login(&self, principal: &str) -> Result<(), StorageError> {
        for table in ["login", "second_factor", "session"] {
            self.delete(table, "principal = $1", text(principal)).await?;
        }
        Ok(())
    }
}
