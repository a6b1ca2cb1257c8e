//! Has the log's checkpoints cosigned by witnesses, and stops all writing when a witness, or what was kept outside the
//! database, remembers another log.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use waystation_app::witness::AddCheckpoint;
use waystation_app::{App, KeptCheckpoint, Log, LogName, Note, Signer, StorageError, TreeHead, TrustPolicy};

/// How often witnesses are asked when there is something new.
pub const WITNESS_EVERY: Duration = Duration::from_secs(60);
/// How often when there is nothing new: a fresh cosignature says that there is nothing new.
const HEARTBEAT: Duration = Duration::from_secs(3_600);
/// How long a witness may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Times one witness is asked in one round.
const ASKED_MAX: usize = 4;
/// Longest answer of a witness, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Who signs, who cosigns, and how often.
#[derive(Clone)]
pub struct Witnessing {
    /// Signs the log's checkpoints.
    pub signer: Arc<Signer>,
    /// The witnesses, and how many of them it takes.
    pub policy: Arc<TrustPolicy>,
    /// How often they are asked.
    pub every: Duration,
    /// A file outside the database that holds the newest checkpoint this server has signed.
    pub high_water: Option<PathBuf>,
}

/// What one witness answered.
enum Answer {
    /// It cosigned; the body holds its line.
    Cosigned(String),
    /// It cosigned this size last.
    Remembers(u64),
    /// It refused or failed, with this HTTP status.
    Refused(u16),
}

/// How asking a witness fails.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the URL is not http://HOST:PORT/PREFIX")]
    Url,
    #[error("the witness cannot be reached")]
    Away(#[source] std::io::Error),
    #[error("the witness does not speak HTTP properly")]
    Http,
    #[error("the witness takes too long")]
    Slow,
    #[error("the witness answers with something else")]
    Nonsense,
    #[error("the log cannot be read")]
    Storage(#[from] StorageError),
}

impl Witnessing {
    /// Compares the log with what was signed before, as far as a file outside the database remembers. A log that is not
    /// its continuation takes no more appends.
    /// To be asked before anything is appended, the clock's commands included.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn guard(&self, app: &App) -> Result<(), StorageError> {
        let log = app.store().log(LogName::Main);
        let Some(path) = &self.high_water else { return Ok(()) };
        let note = match std::fs::read_to_string(path) {
            Ok(note) => note,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                tracing::warn!(
                    "there is no high-water file yet: nothing outside the database says how far the log was"
                );
                return Ok(());
            }
            Err(error) => {
                log.freeze(format!("the high-water file cannot be read: {}", error.kind()));
                return Ok(());
            }
        };
        let Ok(kept) = self.signer.verifier().open(&note) else {
            log.freeze("the high-water file does not hold a checkpoint of this log".into());
            return Ok(());
        };
        if kept.size > log.head().size {
            log.freeze(format!(
                "rollback: {} events had been signed, the log has {}",
                kept.size,
                log.head().size
            ));
        } else if log.root_at(kept.size).await? != kept.root {
            log.freeze(format!(
                "fork: the first {} events are not those that were signed",
                kept.size
            ));
        }
        Ok(())
    }

    /// Works until told to stop.
    pub(crate) async fn run(self, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
        let mut sizes = HashMap::new();
        let mut last: Option<(u64, tokio::time::Instant)> = None;
        while !*stopped.borrow() {
            let log = app.store().log(LogName::Main);
            let head = log.head();
            let due = last.is_none_or(|(size, at)| size != head.size || at.elapsed() >= HEARTBEAT);
            if due && !log.is_frozen() {
                match self.round(log, head, &mut sizes).await {
                    Ok(true) => last = Some((head.size, tokio::time::Instant::now())),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(error = %error, "cannot have a checkpoint witnessed"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                changed = stopped.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Signs the head and has it cosigned. Says whether enough witnesses did.
    async fn round(&self, log: &Log, head: TreeHead, sizes: &mut HashMap<String, u64>) -> Result<bool, StorageError> {
        let mut note = self.signer.sign(head.size, head.root);
        self.remember(&note);
        let Ok(Note { text, .. }) = Note::parse(&note) else {
            return Ok(false);
        };
        let signed = note.clone();
        let mut witnesses = 0;
        let mut against = BTreeMap::new();
        for witness in self.policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            let old = sizes.entry(witness.name.clone()).or_default();
            match ask_again(log, url, head, &signed, old).await {
                Ok(Answer::Cosigned(answer)) => match witness.verifier.line_of(&answer, &text) {
                    Ok(line) => {
                        *old = head.size;
                        witnesses += 1;
                        note += &line;
                    }
                    Err(_) => tracing::warn!(witness = witness.name, "the witness answers with no cosignature"),
                },
                Ok(Answer::Remembers(size)) => {
                    // Another process may have written, and shown the witness, more than this one knew of.
                    log.refresh_head().await?;
                    let known = log.head().size;
                    if size > known {
                        let what = format!("has seen this log with {size} events; it has {known}");
                        against.insert(
                            witness.name.clone(),
                            format!("rollback: the witness {} {what}", witness.name),
                        );
                    } else if size == head.size && *old == size {
                        // Asked from the very size it remembers, it would only refuse another root.
                        let what = format!("has seen another log of {size} events");
                        against.insert(
                            witness.name.clone(),
                            format!("fork: the witness {} {what}", witness.name),
                        );
                    }
                }
                Ok(Answer::Refused(422)) => {
                    let what = "has seen another history of this log";
                    against.insert(
                        witness.name.clone(),
                        format!("fork: the witness {} {what}", witness.name),
                    );
                }
                Ok(Answer::Refused(status)) => {
                    tracing::warn!(witness = witness.name, status, "the witness does not cosign");
                }
                Err(error) => tracing::warn!(witness = witness.name, error = %error, "the witness does not cosign"),
            }
        }
        for what in against.values() {
            tracing::error!(what, "a witness remembers another log than this one");
        }
        // One witness, or one who answers in its place, must not be able to stop a station; as many as the policy trusts to
        // vouch for the log are believed when they say that it is not the same.
        if let Some(what) = against.values().next()
            && self.policy.is_enough(|name| against.contains_key(name))
        {
            log.freeze(what.clone());
        }
        let enough = self.policy.accept(&note).is_ok();
        if enough {
            let size = head.size;
            log.keep_checkpoint(&KeptCheckpoint { size, witnesses, note }).await?;
        }
        Ok(enough)
    }

    /// Puts the newest signed checkpoint where a restored database cannot take it back.
    pub(crate) fn remember(&self, note: &str) {
        let Some(path) = &self.high_water else { return };
        let beside = path.with_extension("new");
        let written = std::fs::write(&beside, note).and_then(|()| std::fs::rename(&beside, path));
        if let Err(error) = written {
            tracing::warn!(kind = %error.kind(), "cannot write the high-water file");
        }
    }
}

/// Asks a witness; when it remembers another size than we believed, once more from there. Another process may show it
/// more meanwhile.
async fn ask_again(log: &Log, url: &str, head: TreeHead, note: &str, old: &mut u64) -> Result<Answer, AskError> {
    let mut answer = ask(log, url, head, note, *old).await?;
    for _ in 1..ASKED_MAX {
        match answer {
            Answer::Remembers(size) if size <= head.size && size != *old => {
                *old = size;
                answer = ask(log, url, head, note, size).await?;
            }
            _ => break,
        }
    }
    Ok(answer)
}

async fn ask(log: &Log, url: &str, head: TreeHead, note: &str, old: u64) -> Result<Answer, AskError> {
    let proof = if old == 0 {
        Vec::new()
    } else {
        log.consistency_proof(old, head.size).await?
    };
    let asked = AddCheckpoint {
        old_size: old,
        proof,
        note: note.to_owned(),
    };
    let (status, body) = tokio::time::timeout(PATIENCE, post(url, asked.text()))
        .await
        .map_err(|_| AskError::Slow)??;
    match status {
        200 => Ok(Answer::Cosigned(body)),
        409 => {
            let size = body.trim().parse().map_err(|_| AskError::Nonsense)?;
            Ok(Answer::Remembers(size))
        }
        status => Ok(Answer::Refused(status)),
    }
}

/// `POST add-checkpoint`, on a connection of its own: once a minute is not worth keeping one.
async fn post(url: &str, body: String) -> Result<(u16, String), AskError> {
    let uri: Uri = format!("{}/add-checkpoint", url.trim_end_matches('/'))
        .parse()
        .map_err(|_| AskError::Url)?;
    let (Some(host), Some("http")) = (uri.host(), uri.scheme_str()) else {
        return Err(AskError::Url);
    };
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80)))
        .await
        .map_err(AskError::Away)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| AskError::Http)?;
    let connection = tokio::spawn(connection);
    let request = Request::post(uri.path())
        .header(
            header::HOST,
            uri.authority().map_or(host, |authority| authority.as_str()),
        )
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| AskError::Url)?;
    let response = sender.send_request(request).await.map_err(|_| AskError::Http)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|_| AskError::Nonsense)?
        .to_bytes();
    connection.abort();
    let body = String::from_utf8(body.to_vec()).map_err(|_| AskError::Nonsense)?;
    Ok((status, body))
}
