//! A witness: an HTTP service that cosigns the checkpoints of logs that only grow (C2SP tlog-witness). It keeps the last
//! checkpoint of each log in a file and needs nothing else; it sees no event.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use waystation_app::witness::{AddCheckpoint, REQUEST_BYTES_MAX, Refusal};
use waystation_app::{Checkpoint, Clock, Cosigner, Note, TrustPolicy, ids};

/// Media type in which a witness says what size it cosigned last.
pub(crate) const SIZE_TYPE: &str = "text/x.tlog.size";

/// What a witness watches, with which key, and where it remembers.
pub struct WitnessOptions {
    /// Signs for the witness.
    pub cosigner: Cosigner,
    /// The logs it watches.
    pub logs: TrustPolicy,
    /// Directory with the last checkpoint of each log; nobody else may write there.
    pub directory: PathBuf,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// The state behind the lock: reading the last checkpoint, deciding and keeping the new one are one step, or a slower
/// request could put an older checkpoint in the place of a newer one.
type Shared = Arc<Mutex<WitnessOptions>>;

/// Serves until `stopped` becomes true.
///
/// # Errors
/// When the listener fails.
pub async fn serve_witness(
    listener: TcpListener,
    options: WitnessOptions,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(Arc::new(Mutex::new(options)));
    let down = async move {
        // The sender going away means the same.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    axum::serve(listener, router).with_graceful_shutdown(down).await
}

async fn add_checkpoint(State(witness): State<Shared>, body: String) -> Response {
    let witness = witness.lock().await;
    let asked = match AddCheckpoint::parse(&body) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&refusal),
    };
    let remembered = match asked.origin().map(|origin| last(&witness.directory, &origin)) {
        Some(Err(kind)) => {
            // Forgetting would let it cosign another history.
            tracing::error!(%kind, "what was cosigned last cannot be read; nothing is cosigned");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Some(Ok(remembered)) => remembered,
        None => None,
    };
    let decided = asked.decide(&witness.logs, |_| remembered);
    let (checkpoint, text) = match decided {
        Ok(decided) => decided,
        Err(refusal) => {
            if matches!(refusal, Refusal::Inconsistent | Refusal::Conflict { .. }) {
                tracing::warn!(?refusal, "a log's checkpoint does not continue the last one");
            }
            return refuse(&refusal);
        }
    };
    if let Err(error) = keep(&witness.directory, &checkpoint.origin, &asked.note) {
        tracing::error!(kind = %error.kind(), "cannot keep a checkpoint; it is not cosigned");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let seconds = u64::try_from(witness.clock.now_us() / 1_000_000).unwrap_or(0);
    witness.cosigner.cosign(&text, seconds).into_response()
}

fn refuse(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::Malformed => (
            StatusCode::BAD_REQUEST,
            "expected old size, proof and a signed checkpoint\n",
        )
            .into_response(),
        Refusal::UnknownLog => (StatusCode::NOT_FOUND, "this log is not watched\n").into_response(),
        Refusal::Unsigned => (StatusCode::FORBIDDEN, "the log has not signed this\n").into_response(),
        Refusal::Conflict { size } => (
            StatusCode::CONFLICT,
            [(header::CONTENT_TYPE, SIZE_TYPE)],
            format!("{size}\n"),
        )
            .into_response(),
        Refusal::Inconsistent => {
            (StatusCode::UNPROCESSABLE_ENTITY, "the log did not grow from there\n").into_response()
        }
    }
}

fn file(directory: &Path, origin: &str) -> PathBuf {
    directory.join(format!("{}.note", ids::named(&["witness", origin]).simple()))
}

/// The checkpoint that was cosigned last; `None` when there is none yet.
fn last(directory: &Path, origin: &str) -> Result<Option<Checkpoint>, std::io::ErrorKind> {
    let text = match std::fs::read_to_string(file(directory, origin)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.kind()),
    };
    let read = Note::parse(&text).and_then(|note| Checkpoint::parse(&note.text));
    read.map(Some).map_err(|_| std::io::ErrorKind::InvalidData)
}

/// Puts a checkpoint in the place of the last, durably, or leaves it as it was.
fn keep(directory: &Path, origin: &str, note: &str) -> std::io::Result<()> {
    let path = file(directory, origin);
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, &path)?;
    std::fs::File::open(directory)?.sync_all()
}
