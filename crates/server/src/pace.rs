//! How many calls a second one account may make: a program gone wild must not keep others from working. Accounts, not
//! addresses: a district sits behind one address, and a thief behind many.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Calls a second that an account may make when nothing else is said; twice as many at once.
pub const CALLS_A_SECOND: NonZeroU32 = NonZeroU32::new(200).expect("is not zero");
/// Accounts that are remembered before those that were quiet are forgotten.
const ACCOUNTS_MAX: usize = 10_000;

/// The pace of every account.
pub(crate) struct Pace {
    limiter: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Pace {
    pub(crate) fn new(a_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(a_second).allow_burst(a_second.saturating_add(a_second.get()));
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a call, or says how long to wait.
    pub(crate) fn check(&self, account: &str) -> Result<(), Duration> {
        if self.limiter.len() > ACCOUNTS_MAX {
            self.limiter.retain_recent();
        }
        let counted = self.limiter.check_key(&account.to_owned());
        counted.map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_that_hurries_does_not_slow_another() {
        let pace = Pace::new(NonZeroU32::new(5).expect("is not zero"));
        let let_in = (0..20).filter(|_| pace.check("hasty").is_ok()).count();
        assert!((10..20).contains(&let_in), "{let_in}");
        assert!(
            pace.check("hasty")
                .is_err_and(|wait| wait <= Duration::from_millis(200))
        );
        assert_eq!(pace.check("calm"), Ok(()));
    }
}
