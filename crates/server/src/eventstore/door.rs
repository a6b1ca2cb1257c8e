//! Reading events is reading about people: it is on record before any of it leaves, and the stream of a record is for those
//! who may read the record. Whoever may read everything is recorded as reading about everybody.

use tonic::{Request, Status};
use waystation_app::EVERYBODY;
use waystation_domain::FieldClass;

use super::EventStore;
use crate::reading::{About, Reader};

impl EventStore {
    /// Puts the reading of a stream, or of all of them, on record. `resolve`: links are followed, wherever they lead.
    pub(super) async fn on_record(&self, reader: &Reader, stream: Option<&str>, resolve: bool) -> Result<(), Status> {
        let at = self.log.head().size;
        let one = stream.filter(|name| !resolve && !name.starts_with('$'));
        match one.map(About::stream) {
            Some(About::Case(_) | About::Person(_)) => {
                let name = one.unwrap_or_default();
                // On an insecure server, who says nothing does as it pleases.
                if reader.is_named() {
                    self.api.allow_stream(reader, name).await?;
                }
                self.api.on_record_by_stream(reader, vec![name.to_owned()], at).await
            }
            // Another tenant's, or digests.
            Some(About::Commitment | About::Nobody) => Ok(()),
            None => {
                let everybody = vec![EVERYBODY.to_owned()];
                let recorded = self.api.on_record(reader, everybody, &[FieldClass::Status], at).await;
                recorded.map(drop)
            }
        }
    }

    /// Who reads.
    pub(super) fn reader<T>(request: &Request<T>, rpc: &'static str) -> Reader {
        Reader::of(request, rpc).unwrap_or_else(|_| Reader::unnamed(rpc))
    }
}
