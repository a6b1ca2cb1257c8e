//! Access tokens of an identity provider (RFC 9068): signed by a key the provider publishes, for this server, short-lived,
//! and naming an account that exists here. What the account may is in the log, never in the token.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::watch;

use crate::fresh::{FileError, Fresh, content};
use crate::tls::Peer;

/// Longest life of a token, in seconds: there is no way to revoke one.
const LIFE_MAX_SECONDS: i64 = 600;
/// How far clocks may be apart, in seconds.
const LEEWAY_SECONDS: u64 = 5;
/// Keys of a provider that are kept.
const KEYS_MAX: usize = 64;

/// Who issues tokens.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What tokens must say in `iss`.
    pub issuer: String,
    /// What they must name in `aud`.
    pub audience: String,
    /// A file with the provider's JWK Set.
    pub keys: PathBuf,
}

/// Judges access tokens; cheap to clone.
#[derive(Clone)]
pub struct AccessTokens {
    provider: Arc<Provider>,
    keys: Arc<Fresh<Keys>>,
}

/// By key id.
type Keys = HashMap<String, (Algorithm, DecodingKey)>;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
    cnf: Option<Confirmation>,
}

/// RFC 8705: the certificate of whoever may use the token.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: String,
}

impl AccessTokens {
    /// Reads the provider's keys.
    ///
    /// # Errors
    /// [`FileError`], which names the file.
    pub fn open(provider: Provider) -> Result<Self, FileError> {
        let path = provider.keys.clone();
        let keys = Fresh::open(vec![provider.keys.clone()], move |files| {
            let wrong = || {
                content(
                    &path,
                    "a JWK Set with 1 to 64 signing keys, each with a kid, P-256 or Ed25519",
                )
            };
            let set: JwkSet = serde_json::from_slice(&files[0]).map_err(|_| wrong())?;
            let keys: Keys = set.keys.iter().filter_map(usable).collect();
            Some(keys)
                .filter(|keys| (1..=KEYS_MAX).contains(&keys.len()))
                .ok_or_else(wrong)
        })?;
        Ok(Self {
            provider: Arc::new(provider),
            keys,
        })
    }

    /// The same, with its keys read again whenever they are replaced.
    pub(crate) fn kept(self, stopped: watch::Receiver<bool>) -> Self {
        tokio::spawn(Arc::clone(&self.keys).keep(stopped));
        self
    }

    /// The account that a token names, and when it expires in microseconds; `None` when anything about it is not as it
    /// must be.
    pub(crate) fn account(&self, token: &str, peer: Option<&Peer>) -> Option<(String, i64)> {
        let judged = self.judged(token, peer);
        if let Err(what) = &judged {
            // Never the token itself.
            tracing::debug!(what, "an access token was refused");
        }
        judged.ok()
    }

    fn judged(&self, token: &str, peer: Option<&Peer>) -> Result<(String, i64), String> {
        let header = decode_header(token).map_err(|error| error.to_string())?;
        // An identity token is none: it is meant for the one who logged in, and anybody may hold it.
        let typ = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        if !matches!(typ.as_str(), "at+jwt" | "application/at+jwt") {
            return Err("it is not of type at+jwt".into());
        }
        if header.crit.is_some() {
            return Err("it makes demands".into());
        }
        let keys = self.keys.current();
        let (algorithm, key) = header
            .kid
            .as_ref()
            .and_then(|kid| keys.get(kid))
            .ok_or("its key is unknown")?;
        // The key says how it signs, the token does not.
        let mut validation = Validation::new(*algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.provider.issuer]);
        validation.set_audience(&[&self.provider.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let claims = decode::<Claims>(token, key, &validation)
            .map_err(|error| error.to_string())?
            .claims;
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap_or(i64::MAX);
        if claims.iat > now.saturating_add_unsigned(LEEWAY_SECONDS) {
            return Err("it was issued in the future".into());
        }
        let life = claims.exp.checked_sub(claims.iat);
        if life.is_none_or(|life| !(1..=LIFE_MAX_SECONDS).contains(&life)) {
            return Err("it lives too long".into());
        }
        if let Some(bound) = claims.cnf
            && peer.and_then(Peer::thumbprint) != Some(bound.certificate)
        {
            return Err("it is bound to another certificate".into());
        }
        Ok((claims.sub, claims.exp.saturating_mul(1_000_000)))
    }
}

fn usable(key: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match &key.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    Some((
        key.common.key_id.clone()?,
        (algorithm, DecodingKey::from_jwk(key).ok()?),
    ))
}
