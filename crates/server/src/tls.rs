//! TLS: certificates that are swapped while the server runs, and clients' certificates whose revocation bites at once.
//!
//! A client's certificate is judged at the handshake and again, when the files have
//! changed or a minute has passed, before each call and while a stream is open ([`Peer::is_trusted`]).

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, crypto};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use zeroize::Zeroizing;

use crate::fresh::{FileError, Fresh, content};

/// Longest a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Handshakes under way at once; further connections wait to be accepted.
const HANDSHAKES_MAX: usize = 64;
/// How long a judgement of a client's certificate holds while the files are the same, in seconds.
const JUDGED_FOR_SECONDS: u64 = 60;
/// Pause after the system would not accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the certificates are; PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of clients' certificates; without them clients show none.
    pub client_ca: Option<PathBuf>,
    /// Lists of certificates those authorities have revoked.
    pub client_crl: Option<PathBuf>,
}

/// TLS as the files have it now; cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Fresh<Material>>);

/// What was read from the files.
struct Material {
    config: Arc<ServerConfig>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`FileError`], which names the file.
    pub fn open(files: TlsFiles) -> Result<Self, FileError> {
        let paths = [&files.certificate, &files.key].into_iter();
        let paths = paths
            .chain(&files.client_ca)
            .chain(&files.client_crl)
            .cloned()
            .collect();
        Ok(Self(Fresh::open(paths, move |read| Material::of(&files, read))?))
    }

    /// Connections of a listener after their handshakes, until the receiving end goes away.
    pub(crate) fn incoming(
        self,
        listener: TcpListener,
        stopped: watch::Receiver<bool>,
    ) -> ReceiverStream<Result<Connection, io::Error>> {
        let (accepted, connections) = mpsc::channel(HANDSHAKES_MAX);
        tokio::spawn(Arc::clone(&self.0).keep(stopped));
        tokio::spawn(async move {
            let under_way = Arc::new(Semaphore::new(HANDSHAKES_MAX));
            loop {
                let Ok(permit) = Arc::clone(&under_way).acquire_owned().await else {
                    return;
                };
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = accepted.closed() => return,
                };
                let Ok((stream, _)) = stream else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let (tls, accepted) = (self.clone(), accepted.clone());
                tokio::spawn(async move {
                    let shaken = tokio::time::timeout(HANDSHAKE_MAX, tls.shake_hands(stream)).await;
                    drop(permit);
                    // Who does not complete the handshake has said nothing yet, and is told nothing.
                    if let Ok(Ok(connection)) = shaken {
                        // The server going away is not the connection's fault.
                        let _ = accepted.send(Ok(connection)).await;
                    }
                });
            }
        });
        ReceiverStream::new(connections)
    }

    async fn shake_hands(self, stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        // Before the handshake: what changes during it is noticed at the first call.
        let generation = self.0.generation();
        let stream = TlsAcceptor::from(Arc::clone(&self.0.current().config))
            .accept(stream)
            .await?;
        let chain = stream.get_ref().1.peer_certificates();
        let peer = chain.map(|chain| Peer {
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
            judged: Arc::new(Judged {
                generation: AtomicU64::new(generation),
                at: AtomicU64::new(now()),
            }),
            tls: self,
        });
        Ok(Connection { stream, peer })
    }
}

impl Material {
    fn of(files: &TlsFiles, read: &[Zeroizing<Vec<u8>>]) -> Result<Self, FileError> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let unfit = |error: &dyn std::fmt::Display| FileError::Unfit(format!("TLS: {error}"));
        let chain: Vec<CertificateDer<'static>> = pems(&files.certificate, &read[0], "certificates in PEM")?;
        let key = PrivateKeyDer::from_pem_slice(&read[1]).map_err(|_| content(&files.key, "one private key in PEM"))?;
        let clients = match &files.client_ca {
            None => None,
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for authority in pems::<CertificateDer<'static>>(path, &read[2], "certificates in PEM")? {
                    let wrong = |_| content(path, "certificates of authorities");
                    roots.add(authority).map_err(wrong)?;
                }
                let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    // Whoever shows none says in another way who they are.
                    .allow_unauthenticated();
                if let Some(path) = &files.client_crl {
                    let lists: Vec<CertificateRevocationListDer<'static>> =
                        pems(path, &read[3], "lists of revoked certificates (X509 CRL) in PEM")?;
                    // A list that is out of date vouches for nobody.
                    builder = builder.with_crls(lists).enforce_revocation_expiration();
                }
                Some(builder.build().map_err(|error| unfit(&error))?)
            }
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unfit(&error))?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| unfit(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            clients,
        })
    }
}

fn pems<T: PemObject>(path: &Path, bytes: &[u8], expected: &'static str) -> Result<Vec<T>, FileError> {
    let read: Result<Vec<T>, pem::Error> = T::pem_slice_iter(bytes).collect();
    match read {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => Err(content(path, expected)),
    }
}

/// Seconds of the machine's clock, by which rustls judges handshakes too.
fn now() -> u64 {
    UnixTime::now().as_secs()
}

/// The client at the other end of a connection, who showed a certificate.
#[derive(Clone)]
pub(crate) struct Peer {
    chain: Arc<[CertificateDer<'static>]>,
    judged: Arc<Judged>,
    tls: Tls,
}

/// When its certificate was last found good.
struct Judged {
    generation: AtomicU64,
    at: AtomicU64,
}

impl Peer {
    /// Whether its certificate is good: issued by an authority that is trusted now, in its time, and not revoked.
    pub(crate) fn is_trusted(&self) -> bool {
        let (generation, now) = (self.tls.0.generation(), now());
        let lately = now.saturating_sub(self.judged.at.load(Ordering::Relaxed)) < JUDGED_FOR_SECONDS;
        if lately && self.judged.generation.load(Ordering::Acquire) == generation {
            return true;
        }
        let material = self.tls.0.current();
        let (Some(clients), Some((own, between))) = (&material.clients, self.chain.split_first()) else {
            return false;
        };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let good = clients.verify_client_cert(own, between, at).is_ok();
        if good {
            self.judged.at.store(now, Ordering::Relaxed);
            self.judged.generation.store(generation, Ordering::Release);
        }
        good
    }

    /// Station and account that the certificate proves: its one name `spiffe://waystation/STATION/ACCOUNT`. `None` for
    /// certificates of devices, which say nothing about who uses them.
    pub(crate) fn account(&self) -> Option<(&str, &str)> {
        let own = webpki::EndEntityCert::try_from(self.chain.first()?).ok()?;
        let mut names = own
            .valid_uri_names()
            .filter_map(|name| name.strip_prefix("spiffe://waystation/"));
        let (station, account) = names.next()?.split_once('/')?;
        names.next().is_none().then_some((station, account))
    }

    /// What an access token that is bound to the certificate says of it.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        self.chain.first().map(|own| waystation_app::thumbprint(own))
    }
}

/// A connection after its handshake.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Option<Peer>,
}

impl Connected for Connection {
    type ConnectInfo = Option<Peer>;

    fn connect_info(&self) -> Option<Peer> {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
