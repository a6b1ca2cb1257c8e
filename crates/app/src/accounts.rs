//! Who works here: accounts as facts in the log, and the secrets that prove them, of which only digests are kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use waystation_domain::account::{
    Account, ChangeCredential, CreateAccount, Credential, DeclareConflict, DisableAccount, WithdrawConflict,
};
use waystation_domain::{Aggregate, Principal, Reason, Rejection, Role};
use waystation_storage::Direction;

use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::ids;
use crate::sessions::{SESSION_PREFIX, check_password};
use crate::vault::random;

/// Begins a token, so that people and scanners of leaked secrets recognise one.
const TOKEN_PREFIX: &str = "wst";
/// Accounts in one list.
pub const ACCOUNTS_LISTED_MAX: usize = 10_000;

pub(crate) fn verifier(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What shows who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A token of the account, of which this is the digest.
    Token([u8; 32]),
    /// The token of a session, of which this is the digest.
    Session([u8; 32]),
    /// The password of a program's account that has no second factor; this is what it comes to.
    Password([u8; 32]),
    /// A certificate that names the account.
    Certificate,
    /// An access token of the identity provider.
    Access {
        /// When it expires, in microseconds.
        until_us: i64,
    },
}

/// Somebody who has shown who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Who.
    pub principal: Arc<Principal>,
    /// What showed it.
    pub proof: Proof,
}

/// The account that a token names, and the token as a proof of it; `None` when it is no token.
pub fn parse_token(token: &str) -> Option<(String, Proof)> {
    let (prefix, rest) = token.split_once(':')?;
    let (id, secret) = rest.split_once(':')?;
    let proof = match prefix {
        TOKEN_PREFIX => Proof::token(secret),
        SESSION_PREFIX => Proof::Session(verifier(secret)),
        _ => return None,
    };
    Some((id.to_owned(), proof))
}

impl Proof {
    /// The secret of an account's token.
    pub fn token(secret: &str) -> Self {
        Self::Token(verifier(secret))
    }
}

/// Account and secret of `Basic` credentials; `None` when they do not read.
pub fn basic_credentials(encoded: &str) -> Option<(String, String)> {
    let text = waystation_trust::decode_base64(encoded)?;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

impl App {
    /// Makes an account and gives out its token, once: only a digest of it is kept.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn create_account(
        &self,
        id: &str,
        command: &CreateAccount,
        envelope: &Envelope,
    ) -> Result<String, AppError> {
        if !ids::is_id(id) {
            let no = Rejection::of(Reason::FieldInvalid, "account_id");
            return Err(no.with("expected", "1 to 64 letters, digits, `-`, `_` or `.`").into());
        }
        self.run(self.accounts_of_staff(), id, command, envelope).await?;
        self.give_token(id).await
    }

    /// Makes an account that shows a password instead of a token; its token is nobody's.
    ///
    /// # Errors
    /// As [`App::create_account`] and [`App::give_password`].
    pub async fn create_account_with_password(
        &self,
        id: &str,
        command: &CreateAccount,
        password: &str,
        envelope: &Envelope,
    ) -> Result<(), AppError> {
        check_password(password)?;
        self.create_account(id, command, envelope).await?;
        self.give_password(id, password, envelope).await
    }

    /// Gives an account a new token in the place of the old one, which opens nothing from then on.
    ///
    /// # Errors
    /// [`Reason::AccountMissing`] when there is no such account, or it is closed; [`AppError::Storage`].
    pub async fn renew_token(&self, id: &str, envelope: &Envelope) -> Result<String, AppError> {
        self.change_credential(id, Credential::Token, envelope).await?;
        self.give_token(id).await
    }

    /// Puts on record that a credential of an account changes, before it does.
    pub(crate) async fn change_credential(
        &self,
        id: &str,
        credential: Credential,
        envelope: &Envelope,
    ) -> Result<(), AppError> {
        let change = ChangeCredential { credential };
        self.run(self.accounts_of_staff(), id, &change, envelope)
            .await
            .map(drop)
    }

    async fn give_token(&self, id: &str) -> Result<String, AppError> {
        // 256 random bits need no slow hash.
        let secret = ids::hex(&random::<32>()?);
        self.vault().keys().put_credential(id, &verifier(&secret)).await?;
        Ok(format!("{TOKEN_PREFIX}:{id}:{secret}"))
    }

    /// Closes an account: from the next call on, its token opens nothing.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn disable_account(&self, id: &str, envelope: &Envelope) -> Result<(), AppError> {
        self.run(self.accounts_of_staff(), id, &DisableAccount {}, envelope)
            .await?;
        let keys = self.vault().keys();
        keys.drop_credential(id).await?;
        Ok(keys.drop_login(id).await?)
    }

    /// Persons whose records somebody is kept from: themselves, and who is close to them. As of when this process last
    /// looked at the account, which it does at every call that shows who it is.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn conflicts(&self, principal: &Principal) -> Result<BTreeSet<String>, AppError> {
        if principal.role == Role::System {
            return Ok(BTreeSet::new());
        }
        let account = self.accounts_of_staff().lock(&principal.id, self.main()).await?;
        let declared = account.state.conflicts.clone();
        drop(account);
        if declared.is_empty() {
            return Ok(declared);
        }
        Box::pin(self.together(declared)).await
    }

    /// Keeps an account from a person's record.
    ///
    /// # Errors
    /// As [`App::case`]; [`Reason::PersonNotFound`].
    pub async fn declare_conflict(
        &self,
        person: &str,
        command: &DeclareConflict,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        if self.person_target(person).await?.station.is_empty() {
            // A mistyped id would keep nobody from anything.
            return Err(Rejection::of(Reason::PersonNotFound, "name").into());
        }
        self.run(self.accounts_of_staff(), &command.account, command, envelope)
            .await
    }

    /// Keeps an account from a person's record no longer.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn withdraw_conflict(
        &self,
        _person: &str,
        command: &WithdrawConflict,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        self.run(self.accounts_of_staff(), &command.account, command, envelope)
            .await
    }

    /// What an account is, and when it last changed; `None` when there is no such account.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn account_of(&self, id: &str) -> Result<Option<(Account, i64)>, AppError> {
        let account: Account = self.accounts_of_staff().durable(id, self.main()).await?;
        let stream = format!("{}-{id}", Account::CATEGORY);
        let newest = self
            .main()
            .read_stream(&stream, u64::MAX, Direction::Backwards, 1)
            .await?;
        Ok(newest.first().map(|event| (account, event.recorded_us)))
    }

    /// Accounts that are open, at most [`ACCOUNTS_LISTED_MAX`] of them, by name.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn open_accounts(&self) -> Result<Vec<String>, AppError> {
        Ok(self.vault().keys().principals(ACCOUNTS_LISTED_MAX).await?)
    }

    /// Whether anybody has an account.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn has_accounts(&self) -> Result<bool, AppError> {
        Ok(!self.vault().keys().principals(1).await?.is_empty())
    }

    /// Who an account belongs to, on the strength of a proof; `None` when the proof does not hold, or the account is not
    /// open. That a certificate or an access token is good, and names the account, is the caller's to know.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn identified(&self, id: &str, proof: Proof) -> Result<Option<Identified>, AppError> {
        if !ids::is_id(id) || !self.holds(id, &proof).await? {
            return Ok(None);
        }
        let account: Account = self.accounts_of_staff().durable(id, self.main()).await?;
        let role = account.role_on(self.today());
        // People log in with theirs, for a session that ends; programs have nothing else to show.
        let sessionless = matches!(proof, Proof::Password(_));
        let role = role.filter(|role| !sessionless || *role == Role::Service);
        Ok(role.map(|role| Identified {
            principal: Arc::new(Principal {
                id: id.to_owned(),
                role,
                station: account.station,
            }),
            proof,
        }))
    }

    /// Whether somebody is still who they were: for streams that stay open.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn still(&self, identified: &Identified) -> Result<bool, AppError> {
        let again = self
            .identified(&identified.principal.id, identified.proof.clone())
            .await?;
        Ok(again.as_ref() == Some(identified))
    }

    async fn holds(&self, id: &str, proof: &Proof) -> Result<bool, AppError> {
        Ok(match proof {
            // Digests of random secrets: how long comparing takes tells nothing that helps.
            Proof::Token(shown) => self.vault().keys().credential(id).await? == Some(*shown),
            Proof::Session(digest) => self.session_holds(id, digest).await?,
            Proof::Password(shown) => self.password_holds(id, shown).await?,
            Proof::Certificate => true,
            Proof::Access { until_us } => self.now_us() < *until_us,
        })
    }
}
