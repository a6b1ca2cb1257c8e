//! An authority for tests: certificates of servers and clients, and lists of those it has revoked.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

/// A certificate and its key, in PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
    der: Vec<u8>,
}

impl Pair {
    /// What a token that is bound to the certificate says of it.
    pub fn thumbprint(&self) -> String {
        waystation_trust::thumbprint(&self.der)
    }
}

/// One that signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are judged by the machine's clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(name: &str) -> Self {
        let mut params = params(name, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("makes a key");
        let certificate = params.self_signed(&key).expect("signs").pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn sign(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> Pair {
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("makes a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        Pair {
            der: certificate.der().to_vec(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// For a server on this machine.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn server(&self, serial: u64) -> Pair {
        let mut params = params("localhost", serial);
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().expect("is a name"))];
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a client, with the name it goes by; empty for a device.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn client(&self, serial: u64, uri: &str) -> Pair {
        self.sign(client(serial, uri), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A client's whose time is over.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn expired_client(&self, serial: u64, uri: &str) -> Pair {
        let mut params = client(serial, uri);
        params.not_before = (now() - Duration::from_secs(7_200)).into();
        params.not_after = (now() - Duration::from_secs(3_600)).into();
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// The list of what it has revoked, in PEM, good for a day.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn revoked(&self, serials: &[u64]) -> String {
        let now = now();
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now.into(),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: (now - Duration::from_secs(60)).into(),
            next_update: (now + Duration::from_secs(86_400)).into(),
            crl_number: SerialNumber::from(serials.len() as u64 + 1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("signs").pem().expect("is PEM")
    }
}

fn client(serial: u64, uri: &str) -> CertificateParams {
    let mut params = params("client", serial);
    if !uri.is_empty() {
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("is a URI"))];
    }
    params
}

/// A key that signs with ES256: its PKCS #8 form, and the coordinates of its public half.
///
/// # Panics
/// When no key can be made.
pub fn signing_pair() -> (Vec<u8>, [Vec<u8>; 2]) {
    let key = KeyPair::generate().expect("makes a key");
    let point = key.public_key_raw();
    assert_eq!(point.len(), 65, "an uncompressed point of P-256");
    (key.serialize_der(), [point[1..33].to_vec(), point[33..].to_vec()])
}

/// Writes a file under a temporary name and renames it, as programs that renew certificates do.
///
/// # Panics
/// When it cannot be written.
pub fn place(directory: &Path, name: &str, text: &str) -> PathBuf {
    let (path, new) = (directory.join(name), directory.join(format!("{name}.new")));
    std::fs::write(&new, text).expect("writes");
    std::fs::rename(&new, &path).expect("renames");
    path
}

/// Connects to a server of this machine over TLS.
///
/// # Errors
/// When the handshake fails.
pub async fn connect(
    address: &str,
    authority: &Authority,
    shown: Option<&Pair>,
) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Channel::from_shared(format!("https://{address}")).expect("is a URL");
    endpoint.tls_config(client_tls(authority, shown))?.connect().await
}

/// How a client connects that trusts an authority and shows a certificate.
fn client_tls(authority: &Authority, shown: Option<&Pair>) -> ClientTlsConfig {
    let tls = ClientTlsConfig::new()
        .domain_name("localhost")
        .ca_certificate(Certificate::from_pem(&authority.certificate));
    match shown {
        Some(pair) => tls.identity(Identity::from_pem(&pair.certificate, &pair.key)),
        None => tls,
    }
}
