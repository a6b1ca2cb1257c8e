//! Actors: where in the log somebody recorded something. An index into the log by stretches of positions, because the
//! entries themselves are the events and need no copy.

use crate::recorded::Recorded;
use crate::view::{Keys, OnUnreadable, View, key};

/// The index of the log by actor.
pub struct Actors;

/// Positions in one stretch.
pub(crate) const ACTOR_BUCKET: u64 = 256;

/// Keys of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum ActorKey {
    /// actor, stretch (16 digits).
    Actor = 0,
}

impl View for Actors {
    /// Nothing but that it is there.
    type Document = ();
    const NAME: &'static str = "actors";
    const VERSION: u32 = 1;
    const ON_UNREADABLE: OnUnreadable = OnUnreadable::Park;

    fn touched(recorded: &Recorded) -> Vec<String> {
        let stretch = format!("{:016}", recorded.position() / ACTOR_BUCKET);
        vec![key(&[&recorded.metadata.actor, &stretch])]
    }

    fn apply(_: &str, _: Option<()>, _: &Recorded) -> Option<()> {
        Some(())
    }

    fn keys(id: &str, (): &(), keys: &mut Keys) {
        keys.add(ActorKey::Actor as u16, &[id]);
    }
}
