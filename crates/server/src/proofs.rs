//! What the log claims about itself, and proofs of it. Hashes tell nothing about anybody and are for everybody; headers hold
//! random ids, coarse types and times, and are for those who may read the record they belong to.

use std::sync::atomic::{AtomicU64, Ordering};

use tonic::Status;
use waystation_api::v1;
use waystation_app::{
    AppError, Direction, EVERYBODY, KeptCheckpoint, KeptReceipt, Log, LogName, Signer, StorageError, TreeHead, bundle,
};

use waystation_domain::FieldClass;

use crate::Api;
use crate::convert::signed;
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

/// What failures are about.
const SUBJECT: &str = "log";
/// Hashes of a full tile, and headers of a full bundle.
const TILE: u64 = 256;
/// Highest level of tiles: 256 to the power of 8 is more events than there can be positions.
const LEVEL_MAX: u32 = 7;

fn failed(error: StorageError) -> Status {
    status(&AppError::from(error), SUBJECT)
}

/// The number of events that a request names, or all there are.
fn size(fields: &mut Fields, field: &str, asked: i64, head: TreeHead) -> u64 {
    let size = fields.position(field, asked);
    if size > head.size {
        fields.wrong(field, &format!("at most {}, the events there are", head.size));
    }
    if size == 0 { head.size } else { size }
}

/// Signs a head, and keeps what was signed before anybody gets it; says whether it was not kept yet. `kept`: the size that
/// was signed last.
async fn sign(signer: &Signer, log: &Log, head: TreeHead, kept: &AtomicU64) -> Result<(String, bool), Status> {
    let note = signer.sign(head.size, head.root);
    let is_new = kept.load(Ordering::Acquire) != head.size;
    if is_new {
        let checkpoint = KeptCheckpoint {
            size: head.size,
            witnesses: 0,
            note: note.clone(),
        };
        log.keep_checkpoint(&checkpoint).await.map_err(failed)?;
        kept.store(head.size, Ordering::Release);
    }
    Ok((note, is_new))
}

impl Api {
    /// The log, with its newest durable head, whoever wrote it.
    async fn log(&self) -> Result<(&Log, TreeHead), Status> {
        let log = self.app.store().log(LogName::Main);
        log.poll_head().await.map_err(failed)?;
        Ok((log, log.head()))
    }

    pub(crate) async fn checkpoint(&self) -> Result<v1::GetCheckpointResponse, Status> {
        let (log, head) = self.log().await?;
        let note = self.signed_head(log, head).await?;
        let readings = self.app.store().log(LogName::Access);
        readings.poll_head().await.map_err(failed)?;
        let readings_head = readings.head();
        let access_signer = self.access_signer.as_deref();
        let access_note = match access_signer {
            Some(signer) => sign(signer, readings, readings_head, &self.kept_of_access).await?.0,
            None => String::new(),
        };
        let verifier =
            |signer: Option<&Signer>| signer.map_or_else(String::new, |signer| signer.verifier().to_string());
        let mut response = v1::GetCheckpointResponse {
            size: signed(head.size),
            root: head.root.to_vec(),
            note: note.unwrap_or_default(),
            verifier: verifier(self.signer.as_deref()),
            access_size: signed(readings_head.size),
            access_root: readings_head.root.to_vec(),
            access_note,
            access_verifier: verifier(access_signer),
            ..Default::default()
        };
        let policy = self.witnessing.as_ref().map(|witnessing| &witnessing.policy);
        if policy.is_some_and(|policy| policy.asks_for_witnesses()) {
            let newest = log.newest_checkpoint(true).await.map_err(failed)?;
            let seen = newest.as_ref().map_or(0, |newest| newest.size);
            if let Some(waiting) = log.event_at(seen + 1).await.map_err(failed)? {
                response.unwitnessed_seconds = ((self.app.now_us() - waiting.recorded_us) / 1_000_000).max(1);
            }
            response.witnessed_note = newest.map_or_else(String::new, |newest| newest.note);
        }
        Ok(response)
    }

    /// Signs the head, and keeps what was signed before anybody gets it.
    async fn signed_head(&self, log: &Log, head: TreeHead) -> Result<Option<String>, Status> {
        let Some(signer) = &self.signer else { return Ok(None) };
        if log.is_frozen() {
            // A log that others remember otherwise gets no more signatures.
            return Ok(None);
        }
        let (note, is_new) = sign(signer, log, head, &self.kept).await?;
        if let Some(witnessing) = self.witnessing.as_ref().filter(|_| is_new) {
            witnessing.remember(&note);
        }
        Ok(Some(note))
    }

    /// The header of an event, to those who may read its record; the reading is on record then.
    async fn header(&self, reader: &Reader, log: &Log, position: u64) -> Result<Vec<u8>, Status> {
        let Some(event) = log.event_at(position).await.map_err(failed)? else {
            return Ok(Vec::new());
        };
        if !self.allows_stream(reader, event.stream()).await? {
            return Ok(Vec::new());
        }
        let streams = vec![event.stream().to_owned()];
        self.on_record_by_stream(reader, streams, position).await?;
        Ok(event.header().to_vec())
    }

    pub(crate) async fn receipt(
        &self,
        reader: &Reader,
        request: v1::GetReceiptRequest,
    ) -> Result<v1::GetReceiptResponse, Status> {
        let (log, head) = self.log().await?;
        let mut fields = Fields::default();
        let position = fields.position("position", request.position);
        if position == 0 || position > head.size {
            fields.wrong("position", &format!("1 to {}", head.size));
        }
        fields.finish()?;
        let witnessed = log.newest_checkpoint(true).await.map_err(failed)?;
        let (size, note) = match witnessed.filter(|witnessed| witnessed.size >= position) {
            Some(witnessed) => (witnessed.size, witnessed.note),
            None => (head.size, self.signed_head(log, head).await?.unwrap_or_default()),
        };
        if note.is_empty() && log.is_frozen() {
            return Err(failed(StorageError::ReadOnly(
                "it is not the log that others remember".into(),
            )));
        }
        if note.is_empty() {
            return Err(status(&AppError::NotFound { kind: "signing key" }, SUBJECT));
        }
        let receipt = KeptReceipt {
            index: position - 1,
            hashes: log.inclusion_proof(position, size).await.map_err(failed)?,
            note,
        };
        Ok(v1::GetReceiptResponse {
            receipt: receipt.text(),
            header: self.header(reader, log, position).await?,
        })
    }

    pub(crate) async fn tile(&self, request: v1::GetTileRequest) -> Result<v1::GetTileResponse, Status> {
        let (log, head) = self.log().await?;
        let mut fields = Fields::default();
        let level = fields.number("level", request.level);
        if level > LEVEL_MAX {
            fields.wrong("level", &format!("0 to {LEVEL_MAX}"));
        }
        let number = fields.position("number", request.number);
        let tiles = (head.size >> (8 * level.min(LEVEL_MAX))).div_ceil(TILE);
        if number >= tiles {
            fields.wrong("number", &format!("less than {tiles}, the tiles there are"));
        }
        fields.finish()?;
        let hashes = log.tile(level, number).await.map_err(failed)?.concat();
        Ok(v1::GetTileResponse { hashes })
    }

    pub(crate) async fn entries(
        &self,
        reader: &Reader,
        request: v1::GetEntryBundleRequest,
    ) -> Result<v1::GetEntryBundleResponse, Status> {
        let (log, head) = self.log().await?;
        let mut fields = Fields::default();
        let number = fields.position("number", request.number);
        if number >= head.size.div_ceil(TILE) {
            fields.wrong(
                "number",
                &format!("less than {}, the bundles there are", head.size.div_ceil(TILE)),
            );
        }
        fields.finish()?;
        let everybody = vec![EVERYBODY.to_owned()];
        self.on_record(reader, everybody, &[FieldClass::Status], head.size)
            .await?;
        let events = log
            .read_all(number * TILE + 1, Direction::Forwards, TILE as usize)
            .await
            .map_err(failed)?;
        let mut entries = Vec::new();
        for event in &events {
            bundle::put_entry(&mut entries, event.header());
        }
        Ok(v1::GetEntryBundleResponse { entries })
    }

    pub(crate) async fn inclusion(
        &self,
        reader: &Reader,
        request: v1::GetInclusionProofRequest,
    ) -> Result<v1::GetInclusionProofResponse, Status> {
        let (log, head) = self.log().await?;
        let mut fields = Fields::default();
        let size = size(&mut fields, "size", request.size, head);
        let position = fields.position("position", request.position);
        if position == 0 || position > size {
            fields.wrong("position", &format!("1 to {size}"));
        }
        fields.finish()?;
        let proof = log.inclusion_proof(position, size).await.map_err(failed)?;
        let root = log.root_at(size).await.map_err(failed)?;
        Ok(v1::GetInclusionProofResponse {
            size: signed(size),
            root: root.to_vec(),
            header: self.header(reader, log, position).await?,
            hashes: proof.iter().map(|hash| hash.to_vec()).collect(),
        })
    }

    pub(crate) async fn consistency(
        &self,
        request: v1::GetConsistencyProofRequest,
    ) -> Result<v1::GetConsistencyProofResponse, Status> {
        let (log, head) = self.log().await?;
        let mut fields = Fields::default();
        let new = size(&mut fields, "new_size", request.new_size, head);
        let old = fields.position("old_size", request.old_size);
        if old == 0 || old > new {
            fields.wrong("old_size", &format!("1 to {new}"));
        }
        fields.finish()?;
        let proof = log.consistency_proof(old, new).await.map_err(failed)?;
        Ok(v1::GetConsistencyProofResponse {
            new_size: signed(new),
            old_root: log.root_at(old).await.map_err(failed)?.to_vec(),
            new_root: log.root_at(new).await.map_err(failed)?.to_vec(),
            hashes: proof.iter().map(|hash| hash.to_vec()).collect(),
        })
    }
}
