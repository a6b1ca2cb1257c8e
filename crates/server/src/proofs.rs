//! What the log claims about itself, and proofs of it. None of it tells anything about a person: hashes, and headers that
//! hold random ids and coarse types.

use tonic::Status;
use waystation_api::v1;
use waystation_app::{AppError, Log, LogName, StorageError, TreeHead};

use crate::Api;
use crate::convert::signed;
use crate::fields::Fields;
use crate::status::status;

/// What failures are about.
const SUBJECT: &str = "log";

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

impl Api {
    /// The log, with its newest durable head, whoever wrote it.
    async fn log(&self) -> Result<(&Log, TreeHead), Status> {
        let log = self.app.store().log(LogName::Main);
        log.poll_head().await.map_err(failed)?;
        Ok((log, log.head()))
    }

    pub(crate) async fn checkpoint(&self) -> Result<v1::GetCheckpointResponse, Status> {
        let (_, head) = self.log().await?;
        let signer = self.signer.as_deref();
        Ok(v1::GetCheckpointResponse {
            size: signed(head.size),
            root: head.root.to_vec(),
            note: signer.map_or_else(String::new, |signer| signer.sign(head.size, head.root)),
            verifier: signer.map_or_else(String::new, |signer| signer.verifier().to_string()),
        })
    }

    pub(crate) async fn inclusion(
        &self,
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
        let event = log.event_at(position).await.map_err(failed)?;
        Ok(v1::GetInclusionProofResponse {
            size: signed(size),
            root: root.to_vec(),
            header: event.map_or_else(Vec::new, |event| event.header().to_vec()),
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
