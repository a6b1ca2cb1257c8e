//! Looking an earlier append up by its request id.

use super::read::decode;
use crate::engine::{Engine, Value};
use crate::error::StorageError;
use crate::log::Log;
use crate::record::{Appended, LogName, Request};

impl Log {
    /// The answer a request got before, if the log holds it.
    ///
    /// # Errors
    /// [`StorageError::RequestReused`] when the id was used with other content; otherwise as [`Log::read_all`].
    pub async fn find_request(&self, request: Request) -> Result<Option<Appended>, StorageError> {
        let found = stored(self.inner.name, self.inner.engine.as_ref(), request.id).await?;
        if let Some((_, appended)) = &found {
            self.until_durable(appended.last_position).await;
        }
        found.map(|found| answer(request, found)).transpose()
    }
}

/// What to answer to a request whose id was found.
pub(super) fn answer(request: Request, (found, appended): (Request, Appended)) -> Result<Appended, StorageError> {
    if found.fingerprint == request.fingerprint {
        Ok(Appended {
            replayed: true,
            ..appended
        })
    } else {
        Err(StorageError::RequestReused)
    }
}

/// The append that carried a request id.
pub(super) async fn stored(
    name: LogName,
    engine: &dyn Engine,
    id: [u8; 16],
) -> Result<Option<(Request, Appended)>, StorageError> {
    let log = name.as_str();
    let sql = format!("SELECT position, fingerprint, request_events FROM {log}_event WHERE request = $1");
    let rows = engine.query(&sql, vec![Value::Bytes(id.to_vec().into())]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let first = rows.i64(0, 0);
    let last = first + rows.i64(0, 2) - 1;
    let fingerprint = rows.slice(0, 1).try_into().map_err(|_| StorageError::Corrupt {
        position: first as u64,
        what: "the request's fingerprint has the wrong length".into(),
    })?;
    let sql = format!(
        "SELECT position, header, body, leaf FROM {log}_event WHERE position BETWEEN $1 AND $2 ORDER BY position"
    );
    let events = decode(&engine.query(&sql, vec![Value::I64(first), Value::I64(last)]).await?)?;
    let Some(head) = events.first() else { return Ok(None) };
    let of_first_stream = events.iter().filter(|event| event.stream() == head.stream());
    let appended = Appended {
        first_position: first as u64,
        last_position: last as u64,
        revision: of_first_stream
            .map(|event| event.revision)
            .max()
            .unwrap_or(head.revision),
        recorded_us: head.recorded_us,
        replayed: true,
        leaf: events.last().and_then(|last| last.leaf()).unwrap_or_default(),
    };
    Ok(Some((Request { id, fingerprint }, appended)))
}
