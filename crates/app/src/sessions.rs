//! Logging in with a password, and a second factor for whoever has one; what is given out is a session that ends by itself.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use tokio::sync::Semaphore;
use totp_rs::{Builder, Totp};
use waystation_domain::account::Credential;
use waystation_domain::{Reason, Rejection};
use waystation_storage::{StorageError, StoredFactor, StoredLogin, StoredSession};
use zeroize::Zeroizing;

use crate::accounts::{Identified, Proof, verifier};
use crate::app::App;
use crate::error::AppError;
use crate::execute::Envelope;
use crate::ids;
use crate::vault::random;

/// Begins the token of a session.
pub(crate) const SESSION_PREFIX: &str = "wss";
/// A session ends this long after its last call…
const IDLE_MAX_US: i64 = 30 * MINUTE_US;
/// … and this long after it began.
const SESSION_MAX_US: i64 = 12 * 60 * MINUTE_US;
/// Sessions of one account at once; one more ends the oldest.
const SESSIONS_MAX: u32 = 8;
/// A session that was seen less long ago is not written again.
const SEEN_EVERY_US: i64 = MINUTE_US;
/// Failed attempts of one account before it has to wait…
const FAILURES_MAX: usize = 5;
/// … until this long after the first of them.
const FAILURES_WITHIN_US: i64 = 15 * MINUTE_US;
/// Accounts whose failures are remembered.
const ACCOUNTS_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("is not zero");
/// Passwords that are stretched at once, 19 MiB each.
const STRETCHED_AT_ONCE: usize = 4;
/// Passwords that are stretched or wait for it; more are refused.
const STRETCHED_AND_WAITING_MAX: usize = 64;
/// Shortest and longest password, in characters.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=200;
const MINUTE_US: i64 = 60_000_000;
const ISSUER: &str = "Waystation";

/// Passwords that are recognised without the work of stretching them.
const RECOGNISED_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("is not zero");

/// Keyed digest of an account and the password it showed.
type Shown = [u8; 16];

/// Attempts that failed, and passwords at work.
pub(crate) struct Logins {
    /// What passwords came to; whether they still do is asked of the database each time.
    recognised: Mutex<LruCache<Shown, [u8; 32]>>,
    failures: Mutex<LruCache<String, Vec<i64>>>,
    stretching: Semaphore,
    waiting: Semaphore,
    /// Passwords that are shown with calls and not recognised, one at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            recognised: Mutex::new(LruCache::new(RECOGNISED_MAX)),
            failures: Mutex::new(LruCache::new(ACCOUNTS_KEPT_MAX)),
            stretching: Semaphore::new(STRETCHED_AT_ONCE),
            turn: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(STRETCHED_AND_WAITING_MAX),
        }
    }
}

/// Refuses what is no password.
pub(crate) fn check_password(password: &str) -> Result<(), Rejection> {
    if PASSWORD_CHARS.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Rejection::of(Reason::FieldInvalid, "password").with("expected", "12 to 200 characters"))
}

impl Logins {
    /// Counts an attempt before it is made, so that many at once are not more.
    fn begin(&self, account: &str, now: i64) -> Result<(), AppError> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let times = failures.get_or_insert_mut(account.to_owned(), Vec::new);
        times.retain(|at| now - at < FAILURES_WITHIN_US);
        if times.len() >= FAILURES_MAX {
            let until_us = times.first().map_or(now, |first| first + FAILURES_WITHIN_US);
            return Err(AppError::TooManyAttempts { until_us });
        }
        times.push(now);
        Ok(())
    }

    fn recognised(&self, shown: &Shown) -> Option<[u8; 32]> {
        let mut recognised = self.recognised.lock().unwrap_or_else(PoisonError::into_inner);
        recognised.get(shown).copied()
    }

    fn recognise(&self, shown: Shown, verifier: [u8; 32]) {
        let mut recognised = self.recognised.lock().unwrap_or_else(PoisonError::into_inner);
        recognised.put(shown, verifier);
    }

    fn succeed(&self, account: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.pop(account);
    }
}

/// A session that has begun.
pub struct Session {
    /// What its owner shows with every call.
    pub token: Zeroizing<String>,
    /// When it ends at the latest, microseconds since 1970 UTC.
    pub until_us: i64,
}

impl App {
    /// Begins a session. `None` when account, password or code are not right; which of them is not said.
    ///
    /// # Errors
    /// [`AppError::TooManyAttempts`] after five failures in a quarter of an hour; [`AppError::Storage`].
    pub async fn log_in(&self, account: &str, password: &str, code: &str) -> Result<Option<Session>, AppError> {
        if !ids::is_id(account) {
            return Ok(None);
        }
        let now = self.now_us();
        self.logins().begin(account, now)?;
        let right = self.is_password(account, password).await?;
        let right = self.code_fits(account, code, right).await?;
        if !right || !self.is_open(account).await? {
            return Ok(None);
        }
        self.logins().succeed(account);
        let secret = Zeroizing::new(ids::hex(&random::<32>()?));
        let (digest, keys) = (verifier(&secret), self.vault().keys());
        keys.drop_sessions(account, SESSIONS_MAX - 1).await?;
        let session = StoredSession {
            principal: account.to_owned(),
            begun_us: now,
            seen_us: now,
        };
        keys.put_session(&digest, &session).await?;
        Ok(Some(Session {
            token: Zeroizing::new(format!("{SESSION_PREFIX}:{account}:{}", *secret)),
            until_us: now + SESSION_MAX_US,
        }))
    }

    async fn is_open(&self, account: &str) -> Result<bool, AppError> {
        let state = self.accounts_of_staff().durable(account, self.main()).await?;
        Ok(state.role_on(self.today()).is_some())
    }

    async fn is_password(&self, account: &str, password: &str) -> Result<bool, AppError> {
        Ok(self.matching(account, password).await?.is_some())
    }

    /// What a password comes to, when it is the account's.
    async fn matching(&self, account: &str, password: &str) -> Result<Option<[u8; 32]>, AppError> {
        let kept = self.vault().keys().login(account).await?;
        // Whoever has none takes as long.
        let salt = kept.map_or([0; 16], |kept| kept.salt);
        let shown = self.stretched(account, password, salt).await?;
        Ok(kept.map(|kept| kept.verifier).filter(|kept| *kept == shown))
    }

    async fn stretched(&self, account: &str, password: &str, salt: [u8; 16]) -> Result<[u8; 32], AppError> {
        let failed = |error: &dyn std::fmt::Display| AppError::Internal(error.to_string());
        let logins = self.logins();
        let _waiting = logins.waiting.try_acquire().map_err(|_| StorageError::QueueFull)?;
        let _permit = logins.stretching.acquire().await.map_err(|error| failed(&error))?;
        let (ring, account) = (self.vault().ring().await?, account.to_owned());
        let password = Zeroizing::new(password.to_owned());
        let stretched = tokio::task::spawn_blocking(move || ring.password(&account, &password, &salt)).await;
        Ok(stretched.map_err(|error| failed(&error))??)
    }

    /// Whether the code is the second factor's, when there is one. Only a right password uses a code up.
    async fn code_fits(&self, account: &str, code: &str, right: bool) -> Result<bool, AppError> {
        let factor = self.vault().keys().factor(account).await?;
        match factor.filter(|factor| factor.confirmed) {
            Some(factor) if right => self.take_code(account, code, &factor).await,
            _ => Ok(right),
        }
    }

    async fn take_code(&self, account: &str, code: &str, factor: &StoredFactor) -> Result<bool, AppError> {
        let totp = self.totp(account, factor).await?;
        let seconds = u64::try_from(self.now_us() / 1_000_000).unwrap_or_default();
        match totp.check(code, seconds) {
            Some(step) => Ok(self.vault().keys().take_step(account, step).await?),
            None => Ok(false),
        }
    }

    async fn totp(&self, account: &str, factor: &StoredFactor) -> Result<Totp, AppError> {
        let secret = self.vault().ring().await?.factor(account, &factor.nonce);
        Builder::new()
            .with_secret(*secret)
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build()
            .map_err(|error| AppError::Internal(error.to_string()))
    }

    /// Whether the session of a digest goes on, for whom it is; notes that it was used.
    pub(crate) async fn session_holds(&self, account: &str, digest: &[u8; 32]) -> Result<bool, AppError> {
        let (keys, now) = (self.vault().keys(), self.now_us());
        let Some(session) = keys
            .session(digest)
            .await?
            .filter(|session| session.principal == account)
        else {
            return Ok(false);
        };
        if now - session.begun_us >= SESSION_MAX_US || now - session.seen_us >= IDLE_MAX_US {
            keys.drop_session(digest).await?;
            return Ok(false);
        }
        if now - session.seen_us >= SEEN_EVERY_US {
            keys.see_session(digest, now).await?;
        }
        Ok(true)
    }

    /// The password of an account as a proof, for programs that send it with every call; `None` when it is not right, or
    /// the account has a second factor. A password that was right is recognised again without the work.
    ///
    /// # Errors
    /// [`AppError::TooManyAttempts`]; [`AppError::Storage`].
    pub async fn password_proof(&self, account: &str, password: &str) -> Result<Option<Proof>, AppError> {
        if !ids::is_id(account) || self.vault().keys().login(account).await?.is_none() {
            return Ok(None);
        }
        let ring = self.vault().ring().await?;
        let shown = ring.digest(&[b"shown", account.as_bytes(), password.as_bytes()]);
        // What many calls at once show for the first time is worked on once.
        let _turn = match self.recognised(account, &shown).await? {
            Some(proof) => return Ok(Some(proof)),
            None => self.logins().turn.lock().await,
        };
        if let Some(proof) = self.recognised(account, &shown).await? {
            return Ok(Some(proof));
        }
        self.logins().begin(account, self.now_us())?;
        let Some(verifier) = self.matching(account, password).await? else {
            return Ok(None);
        };
        self.logins().succeed(account);
        self.logins().recognise(shown, verifier);
        Ok(Some(Proof::Password(verifier)))
    }

    async fn recognised(&self, account: &str, shown: &Shown) -> Result<Option<Proof>, AppError> {
        match self.logins().recognised(shown) {
            Some(verifier) if self.password_holds(account, &verifier).await? => Ok(Some(Proof::Password(verifier))),
            _ => Ok(None),
        }
    }

    /// Whether a password is still what it was, and all that is asked for.
    pub(crate) async fn password_holds(&self, account: &str, shown: &[u8; 32]) -> Result<bool, AppError> {
        let keys = self.vault().keys();
        let factor = keys.factor(account).await?.filter(|factor| factor.confirmed);
        let login = keys.login(account).await?;
        Ok(factor.is_none() && login.is_some_and(|login| login.verifier == *shown))
    }

    /// Ends the session that somebody shows.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when it is no session; [`AppError::Storage`].
    pub async fn log_out(&self, who: &Identified) -> Result<(), AppError> {
        match &who.proof {
            Proof::Session(digest) => Ok(self.vault().keys().drop_session(digest).await?),
            _ => Err(AppError::NotFound { kind: "session" }),
        }
    }

    /// Sets somebody's own password and ends all their sessions.
    ///
    /// # Errors
    /// A rejection when it is too short or long, or the old one is not right; [`AppError::TooManyAttempts`];
    /// [`AppError::Storage`].
    pub async fn set_password(&self, envelope: &Envelope, old: &str, password: &str) -> Result<(), AppError> {
        let account = envelope.principal.id.as_str();
        check_password(password)?;
        if self.vault().keys().login(account).await?.is_some() {
            self.prove_password(account, "old_password", old).await?;
        }
        self.give_password(account, password, envelope).await
    }

    /// Gives an account a password, whatever it had, and ends all its sessions.
    ///
    /// # Errors
    /// A rejection when the password is too short or long; [`Reason::AccountMissing`]; [`AppError::Storage`].
    pub async fn give_password(&self, account: &str, password: &str, envelope: &Envelope) -> Result<(), AppError> {
        check_password(password)?;
        let salt = random()?;
        let verifier = self.stretched(account, password, salt).await?;
        // On record before it counts.
        self.change_credential(account, Credential::Password, envelope).await?;
        let keys = self.vault().keys();
        keys.put_login(account, &StoredLogin { salt, verifier }).await?;
        Ok(keys.drop_sessions(account, 0).await?)
    }

    async fn prove_password(&self, account: &str, field: &'static str, password: &str) -> Result<(), AppError> {
        self.logins().begin(account, self.now_us())?;
        if !self.is_password(account, password).await? {
            let wrong = Rejection::of(Reason::FieldInvalid, field);
            return Err(wrong.with("expected", "the account's present password").into());
        }
        self.logins().succeed(account);
        Ok(())
    }

    /// Gives somebody a new second factor, which counts when a code of it is confirmed; until then the old one does not
    /// count either, and without a confirmed one none is asked for. Returns what an authenticator reads.
    ///
    /// # Errors
    /// As [`App::set_password`].
    pub async fn begin_second_factor(
        &self,
        envelope: &Envelope,
        password: &str,
    ) -> Result<Zeroizing<String>, AppError> {
        let account = envelope.principal.id.as_str();
        self.prove_password(account, "password", password).await?;
        let factor = StoredFactor {
            nonce: random()?,
            confirmed: false,
            last_step: 0,
        };
        let uri = self.totp(account, &factor).await?.to_url();
        let uri = uri.map_err(|error| AppError::Internal(error.to_string()))?;
        self.change_credential(account, Credential::SecondFactor, envelope)
            .await?;
        self.vault().keys().put_factor(account, &factor).await?;
        Ok(Zeroizing::new(uri))
    }

    /// Shows that somebody has their second factor.
    ///
    /// # Errors
    /// A rejection when the code is not right or was used; [`AppError::NotFound`] when no factor was begun;
    /// [`AppError::TooManyAttempts`]; [`AppError::Storage`].
    pub async fn confirm_second_factor(&self, account: &str, code: &str) -> Result<(), AppError> {
        let factor = self.vault().keys().factor(account).await?;
        let factor = factor.ok_or(AppError::NotFound { kind: "second factor" })?;
        self.logins().begin(account, self.now_us())?;
        if !self.take_code(account, code, &factor).await? {
            let wrong = Rejection::of(Reason::FieldInvalid, "code");
            return Err(wrong
                .with("expected", "the six digits that the second factor shows now")
                .into());
        }
        self.logins().succeed(account);
        Ok(())
    }

    /// Forgets how an account logs in: password, second factor, sessions. Its token stays.
    ///
    /// # Errors
    /// [`Reason::AccountMissing`]; [`AppError::Storage`].
    pub async fn reset_login(&self, account: &str, envelope: &Envelope) -> Result<(), AppError> {
        self.change_credential(account, Credential::Reset, envelope).await?;
        Ok(self.vault().keys().drop_login(account).await?)
    }
}
