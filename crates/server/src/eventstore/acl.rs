//! `$acl` in a stream's metadata: which accounts may do what with streams that are not Waystation's own.

use serde_json::Value;
use waystation_domain::{Principal, Role};

use super::name;

/// Everybody with an account.
const ALL: &str = "$all";
/// Whoever runs the installation; they are never kept out.
const ADMINS: [&str; 2] = ["$admins", "$ops"];

/// What somebody wants to do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Read,
    Write,
    Delete,
}

/// The lists of one stream; what has none is everybody's, but for system streams, which are the administrators'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Acl {
    read: Option<Vec<String>>,
    write: Option<Vec<String>>,
    delete: Option<Vec<String>>,
    metadata_read: Option<Vec<String>>,
    metadata_write: Option<Vec<String>>,
}

impl Acl {
    /// Reads what stands under `$acl`. What is no list of names lets nobody in but administrators: a mistake must not open.
    pub(super) fn of(metadata: &Value) -> Self {
        let Some(acl) = metadata.get("$acl").filter(|acl| !acl.is_null()) else {
            return Self::default();
        };
        let names = |key: &str| match acl.get(key) {
            None | Some(Value::Null) if acl.is_object() => None,
            Some(Value::String(name)) => Some(vec![name.clone()]),
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            _ => Some(Vec::new()),
        };
        Self {
            read: names("$r"),
            write: names("$w"),
            delete: names("$d"),
            metadata_read: names("$mr"),
            metadata_write: names("$mw"),
        }
    }

    /// Whether somebody may do something with the stream of a name, or with its metadata when that is what is named. Streams
    /// of Waystation's own are closed to all of it, and system streams to reading: even that one is there tells something.
    pub(super) fn permits(&self, who: &Principal, stream: &str, deed: Deed) -> bool {
        let is_open = match deed {
            Deed::Read => name::is_tenants(stream),
            Deed::Write | Deed::Delete => !name::is_ours(name::base(stream)),
        };
        if !is_open {
            return false;
        }
        if is_admin(who) {
            return true;
        }
        let list = match (name::about(stream), deed) {
            (None, Deed::Read) => &self.read,
            (None, Deed::Write) => &self.write,
            (None, Deed::Delete) => &self.delete,
            (Some(_), Deed::Read) => &self.metadata_read,
            (Some(_), Deed::Write | Deed::Delete) => &self.metadata_write,
        };
        match list {
            Some(names) => names.iter().any(|name| goes_by(who, name)),
            None => !name::base(stream).starts_with('$'),
        }
    }
}

fn is_admin(who: &Principal) -> bool {
    matches!(who.role, Role::SystemAdmin | Role::System)
}

/// Whether a name in a list means somebody: their account, role or station, or a group that they are in.
fn goes_by(who: &Principal, name: &str) -> bool {
    name == ALL
        || name == who.id
        || name == who.role.as_str()
        || name == who.station
        || ADMINS.contains(&name) && is_admin(who)
}

/// The names by which lists can mean somebody, but for their account and everybody.
pub(super) fn groups(role: Role, station: &str) -> Vec<String> {
    let admins = ADMINS.iter().take(usize::from(role == Role::SystemAdmin));
    let own = [role.as_str(), station].into_iter();
    own.chain(admins.copied()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::read;
    use super::*;

    fn service(id: &str) -> Principal {
        Principal {
            id: id.into(),
            role: Role::Service,
            station: "district-1".into(),
        }
    }

    #[test]
    fn lists_say_who_and_their_absence_says_everybody() {
        let acl = Acl::of(&read(br#"{"$acl":{"$r":["a","b"],"$w":"a","$d":[],"$mw":"$admins"}}"#));
        let may = |who: &str, stream: &str, deed| acl.permits(&service(who), stream, deed);
        assert!(may("a", "orders-1", Deed::Read) && may("b", "orders-1", Deed::Read));
        assert!(!may("c", "orders-1", Deed::Read));
        assert!(may("a", "orders-1", Deed::Write) && !may("b", "orders-1", Deed::Write));
        assert!(!may("a", "orders-1", Deed::Delete));
        assert!(may("c", "$$orders-1", Deed::Read) && !may("a", "$$orders-1", Deed::Write));
        let admin = Principal {
            role: Role::SystemAdmin,
            ..service("root")
        };
        assert!(acl.permits(&admin, "orders-1", Deed::Delete));
        assert!(acl.permits(&admin, "$settings", Deed::Write) && !acl.permits(&admin, "$settings", Deed::Read));
        assert!(!acl.permits(&admin, "case-1", Deed::Read) && !acl.permits(&admin, "$$case-1", Deed::Write));
        let by_group = Acl::of(&read(
            br#"{"$acl":{"$r":["SERVICE"],"$w":["district-1"],"$d":["$all"]}}"#,
        ));
        for deed in [Deed::Read, Deed::Write, Deed::Delete] {
            assert!(by_group.permits(&service("x"), "orders-1", deed), "{deed:?}");
        }
    }

    #[test]
    fn without_lists_streams_are_everybodys_and_system_streams_are_not() {
        let none = Acl::of(&read(b"not json"));
        assert_eq!(none, Acl::of(&read(br#"{"$acl":null,"$maxCount":1}"#)));
        assert!(none.permits(&service("a"), "orders-1", Deed::Write));
        assert!(!none.permits(&service("a"), "$settings", Deed::Write));
        assert!(!none.permits(&service("a"), "$$$settings", Deed::Write));
    }

    #[test]
    fn what_is_no_list_lets_nobody_in() {
        for wrong in [
            &br#"{"$acl":{"$r":7}}"#[..],
            br#"{"$acl":"me"}"#,
            br#"{"$acl":{"$r":[7]}}"#,
        ] {
            assert!(!Acl::of(&read(wrong)).permits(&service("a"), "orders-1", Deed::Read));
        }
    }
}
