//! Stream names: which stream a metadata stream belongs to, and which streams are not for foreign hands.

use waystation_api::event_store::client::StreamIdentifier;
use waystation_app::{RESERVED_CATEGORIES, STREAM_BYTES_MAX};

use super::failure::Failure;

/// What the name of a metadata stream begins with; the rest names the stream it is about.
pub(super) const METADATA_PREFIX: &str = "$$";
/// Stream that holds the groups of consumers.
pub(super) const GROUPS_STREAM: &str = "$persistentSubscriptionConfig";
/// What the names of the groups' own streams begin with.
pub(super) const GROUP_PREFIX: &str = "$persistentsubscription-";
/// Streams of links that a projection keeps.
pub(super) const LINKS_BY_CATEGORY: &str = "$ce-";
/// As [`LINKS_BY_CATEGORY`], by event type.
pub(super) const LINKS_BY_TYPE: &str = "$et-";
/// What the names of projections' own streams begin with.
const PROJECTIONS_PREFIX: &str = "$projections-";
/// How far links have been made.
pub(super) const LINKS_CHECKPOINT: &str = "$projections-$links-checkpoint";

/// The name in a request.
pub(super) fn of(identifier: Option<StreamIdentifier>) -> Result<String, Failure> {
    let bytes = identifier.map(|identifier| identifier.stream_name).unwrap_or_default();
    let name = String::from_utf8(bytes.into())
        .map_err(|_| Failure::Invalid("stream_identifier.stream_name: expected UTF-8".into()))?;
    check(&name)?;
    Ok(name)
}

/// Refuses what can be no stream.
pub(super) fn check(name: &str) -> Result<(), Failure> {
    if name.is_empty() || name == METADATA_PREFIX || name.len() > STREAM_BYTES_MAX {
        return Err(Failure::Invalid(format!(
            "stream name: expected 1 to {STREAM_BYTES_MAX} bytes other than \"{METADATA_PREFIX}\""
        )));
    }
    Ok(())
}

/// The metadata stream of a stream.
pub(super) fn metadata_of(stream: &str) -> String {
    format!("{METADATA_PREFIX}{stream}")
}

/// The stream that a metadata stream is about.
pub(super) fn about(stream: &str) -> Option<&str> {
    stream.strip_prefix(METADATA_PREFIX).filter(|base| !base.is_empty())
}

/// The stream itself, or the one it is the metadata of.
pub(super) fn base(stream: &str) -> &str {
    about(stream).unwrap_or(stream)
}

/// Whether reading everything leaves a stream out: what a group that reads everything writes would feed it for ever.
pub(super) fn is_hidden(stream: &str) -> bool {
    stream.strip_prefix(GROUP_PREFIX).is_some_and(|group| {
        group.starts_with("$all::") && (group.ends_with("-parked") || group.ends_with("-checkpoint"))
    })
}

/// Whether only commands may write a stream.
pub(super) fn is_ours(stream: &str) -> bool {
    RESERVED_CATEGORIES.contains(&stream.split('-').next().unwrap_or_default())
}

/// Whether a stream is one that other tenants keep, or the metadata of one.
pub(super) fn is_tenants(stream: &str) -> bool {
    let base = base(stream);
    !base.starts_with('$') && !is_ours(base)
}

/// Refuses streams that only commands or this service itself may write.
pub(super) fn writable(stream: &str) -> Result<(), Failure> {
    let base = base(stream);
    if base.starts_with(METADATA_PREFIX) {
        return Err(Failure::Invalid("a metadata stream has no metadata of its own".into()));
    }
    let own = [
        GROUPS_STREAM,
        GROUP_PREFIX,
        LINKS_BY_CATEGORY,
        LINKS_BY_TYPE,
        PROJECTIONS_PREFIX,
    ];
    if is_ours(base) || own.iter().any(|own| base.starts_with(own)) {
        return Err(Failure::AccessDenied);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_streams_and_their_metadata_are_closed_to_others() {
        for stream in [
            "case-1",
            "$$case-1",
            "points-p",
            "ordernumber-1",
            "$ce-x",
            "$$$et-x",
            "$persistentsubscription-a::b-parked",
            LINKS_CHECKPOINT,
        ] {
            assert!(matches!(writable(stream), Err(Failure::AccessDenied)), "{stream}");
        }
        for stream in [
            "cases-1",
            "order-1",
            "caseload",
            "$$orders-1",
            "$settings",
            "$$$settings",
        ] {
            assert!(writable(stream).is_ok(), "{stream}");
        }
        assert!(matches!(writable("$$$$x"), Err(Failure::Invalid(_))));
    }
}
