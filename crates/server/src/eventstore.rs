//! The EventStoreDB protocol over Waystation's log: stock clients append, read and subscribe beside our own services.
//!
//! It asks the log through its public doors only. `wire` and `failure` translate; `decide` holds the protocol's rules
//! about expected revisions, repeats and deletes, `write` carries them out. `feed` gives out events through history
//! into the present, from the one `tail` that reads for all; `read` and `subscribe` send them.

mod acl;
mod append;
mod batch;
mod caller;
mod cluster;
mod decide;
mod door;
mod failure;
mod feed;
mod filter;
mod groups;
mod linker;
mod links;
mod metadata;
mod name;
mod operations;
mod read;
mod recent;
mod stream;
mod streams;
mod subscribe;
mod tail;
mod users;
mod v2;
mod wire;
mod write;

use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic::codegen::http;
use waystation_app::{Beliefs, Clock, Log, LogName, RecordedEvent, StorageError, ids};

use crate::Api;
use failure::Failure;
pub(crate) use failure::{PATHS, plain};
use groups::Groups;
use recent::Recent;
use stream::Stream;
use tail::Tail;

/// Largest request in bytes: one event of the largest size, and what comes with it.
pub(crate) const REQUEST_BYTES_MAX: usize = 20 * 1024 * 1024;
/// How long an append may take, whatever the client asks for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams that are kept in memory.
const STREAMS_MAX: NonZeroUsize = NonZeroUsize::new(20_000).expect("is not zero");

/// The authority under which a call reached us.
#[derive(Clone, Debug)]
pub(crate) struct Authority(pub(crate) http::uri::Authority);

/// All services of the protocol; cheap to clone.
#[derive(Clone)]
pub(crate) struct EventStore {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    log: Log,
    clock: Arc<dyn Clock>,
    streams: Beliefs<Stream>,
    recent: Recent,
    tail: Tail,
    groups: Groups,
    /// Where we are, when a call does not tell.
    address: (String, u16),
    /// Names this run of the server.
    instance: [u8; 16],
    stopped: watch::Receiver<bool>,
    /// Puts readings on record.
    api: Api,
}

impl Deref for EventStore {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl EventStore {
    /// Reads the end of the log and follows it from there. `link_streams`: keep streams of links by category and type.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn start(
        api: Api,
        address: (String, u16),
        link_streams: bool,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, StorageError> {
        let log = api.app.store().log(LogName::Main).clone();
        let tail = Tail::new(log.head().size);
        let recent = Recent::new();
        recent.fill(&log).await?;
        let service = Self {
            inner: Arc::new(Inner {
                log,
                clock: api.app.clock(),
                streams: Beliefs::new(STREAMS_MAX),
                recent,
                tail,
                groups: Groups::default(),
                address,
                instance: ids::random().into_bytes(),
                stopped: stopped.clone(),
                api,
            }),
        };
        if link_streams {
            let (linking, stopped) = (service.clone(), stopped.clone());
            tokio::spawn(async move { linking.keep_links(stopped).await });
        }
        let following = service.clone();
        tokio::spawn(async move {
            let saw = |event: &RecordedEvent| following.saw(event);
            following.tail.follow(&following.log, saw, stopped).await;
        });
        service.start_groups().await.map_err(|failure| match failure {
            Failure::Storage(error) => error,
            other => StorageError::Unavailable(other.status().message().to_owned()),
        })?;
        Ok(service)
    }

    /// An event is in the log, written by this process or another.
    fn saw(&self, event: &RecordedEvent) {
        self.recent.saw(event);
        if let Some(base) = name::about(event.stream()) {
            self.streams.doubt(base);
        }
    }

    /// The time now, microseconds since 1970 UTC.
    fn now_us(&self) -> i64 {
        self.clock.now_us()
    }
}

/// Returns when the server goes down.
async fn down(stopped: &mut watch::Receiver<bool>) {
    // The sender going away means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
