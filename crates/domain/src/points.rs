//! A points account: rewards, never punishments. Double entry; the balance is never below zero.
//!
//! Points move between five accounts (`ISSUE`, the person's, `REDEEMED`, `EXPIRED`, `WRITE_OFF`); every fact moves the
//! same amount out of one and into another, so the five always sum to zero. A person's points are held in lots, each
//! with its own last day; the lot that expires first is spent first.

pub mod event;
pub mod state;

mod award_manually;
mod award_points;
mod cancel_redemption;
mod expire;
mod redeem;
mod reverse_award;
mod rules;

pub use award_manually::AwardManually;
pub use award_points::{AwardPoints, Basis};
pub use cancel_redemption::CancelRedemption;
pub use event::{
    ItemLine, LotUse, PointsAwardReversed, PointsAwarded, PointsEvent, PointsExpired, PointsRedeemed,
    RedemptionCancelled,
};
pub use expire::ExpirePoints;
pub use redeem::RedeemPoints;
pub use reverse_award::ReverseAward;
pub use state::{Award, Lot, PointsAccount, Redemption};

#[cfg(test)]
mod model;
