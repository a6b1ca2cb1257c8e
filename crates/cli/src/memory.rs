//! Keeps what is in memory from being written out: keys and opened fields are there.

/// No core dumps of this process, and no reading of its memory by other processes of the same user. Elsewhere than on Linux
/// it is the system's to arrange.
pub(crate) fn keep_to_ourselves() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let refused = [
            set_dumpable_behavior(DumpableBehavior::NotDumpable),
            setrlimit(Resource::Core, none),
        ];
        if refused.iter().any(Result::is_err) {
            tracing::warn!("this process could not be kept from being dumped");
        }
    }
}
