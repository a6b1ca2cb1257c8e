//! Reading events is reading about people: it is on record before any of it leaves, and the stream of a record is for those
//! who may read the record. Whoever may read everything is recorded as reading about everybody. Other tenants' streams are
//! about nobody; `$acl` says whose they are.

use tonic::{Request, Status};
use waystation_app::{Action, EVERYBODY, Target};
use waystation_domain::FieldClass;

use super::acl::Deed;
use super::failure::{Failure, plain};
use super::groups::ALL;
use super::stream::Stream;
use super::{EventStore, name};
use crate::reading::{About, Reader};

impl EventStore {
    /// Puts the reading of a stream, or of all of them, on record. `resolve`: links are followed, wherever they lead.
    pub(super) async fn on_record(&self, reader: &Reader, stream: Option<&str>, resolve: bool) -> Result<(), Status> {
        if !self.reads_log(reader)? {
            return self.is_shown(reader, stream.unwrap_or(ALL), resolve).await;
        }
        let at = self.log.head().size;
        let one = stream.filter(|name| !resolve && !name.starts_with('$'));
        match one.map(About::stream) {
            Some(About::Case(_) | About::Person(_)) => {
                let name = one.unwrap_or_default();
                if reader.is_named() {
                    self.api
                        .allow_stream(reader, name)
                        .await
                        .map_err(|status| plain(&status))?;
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

    /// Whether somebody may read the log as it is, whoever it is about.
    pub(super) fn reads_log(&self, reader: &Reader) -> Result<bool, Status> {
        // On an insecure server, who says nothing does as it pleases.
        Ok(!reader.is_named() || self.api.allows(reader, Action::ReadEvents, &Target::whole())?)
    }

    /// Refuses a stream whose lists do not permit something.
    pub(super) async fn has(&self, reader: &Reader, stream: &str, deed: Deed) -> Result<(), Status> {
        let read = Stream::read(&self.log, name::base(stream)).await;
        let read = read.map_err(|error| Failure::from(error).status())?;
        if read.acl.permits(&reader.principal, stream, deed) {
            Ok(())
        } else {
            Err(Failure::AccessDenied.status())
        }
    }

    /// Refuses what may show more of the log than a stream that this reader may read.
    async fn is_shown(&self, reader: &Reader, stream: &str, resolve: bool) -> Result<(), Status> {
        if resolve {
            return Err(Failure::AccessDenied.status());
        }
        self.has(reader, stream, Deed::Read).await
    }

    /// Refuses a group that may show more than this caller may read.
    pub(super) async fn is_members(&self, reader: &Reader, stream: &str, resolve: bool) -> Result<(), Status> {
        if self.reads_log(reader)? {
            return Ok(());
        }
        self.is_shown(reader, stream, resolve).await
    }

    /// Who reads.
    pub(super) fn reader<T>(request: &Request<T>, rpc: &'static str) -> Reader {
        Reader::of(request, rpc).unwrap_or_else(|_| Reader::unnamed(rpc))
    }
}
