//! A random sample that anybody can draw again.

use sha2::{Digest, Sha256};

use crate::case::Stage;

/// A case that might be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The case.
    pub case: String,
    /// Where it stands.
    pub stage: Stage,
}

/// What was drawn, and who could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The sample, in the order in which it was drawn.
    pub sample: Vec<Candidate>,
    /// Those whom the agreement does not bind, by case.
    pub excluded: Vec<Candidate>,
    /// How many could have been drawn.
    pub from: usize,
}

/// Draws so many of the cases whose agreement binds: those with the smallest SHA-256 of seed, a line feed and the case's id, so that
/// whoever has the seed and the list draws the same.
pub fn draw(mut candidates: Vec<Candidate>, size: usize, seed: &str) -> Drawn {
    let lot = |candidate: &Candidate| -> [u8; 32] { Sha256::digest(format!("{seed}\n{}", candidate.case)).into() };
    candidates.sort_by(|one, other| one.case.cmp(&other.case));
    let (mut sample, excluded): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|one| one.stage.is_bound());
    let from = sample.len();
    sample.sort_by_cached_key(lot);
    sample.truncate(size);
    Drawn { sample, excluded, from }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        let stage = |number: u32| match number {
            3 => Stage::Suspended,
            5 => Stage::Discharged,
            _ => Stage::Active,
        };
        let candidate = |number| Candidate {
            case: format!("c{number}"),
            stage: stage(number),
        };
        (1..=9).map(candidate).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_whatever_the_order_and_another_seed_another() {
        let drawn = draw(candidates(), 3, "2026-03-15");
        let mut turned = candidates();
        turned.reverse();
        assert_eq!(draw(turned, 3, "2026-03-15"), drawn);
        assert_eq!((drawn.sample.len(), drawn.from), (3, 7));
        let excluded: Vec<_> = drawn.excluded.iter().map(|one| one.case.as_str()).collect();
        assert_eq!(excluded, ["c3", "c5"]);
        let others = ["a", "b", "c", "d"].map(|seed| draw(candidates(), 3, seed).sample);
        assert!(others.iter().any(|other| *other != drawn.sample));
        // printf '2026-03-15\nc1' | sha256sum: anybody can.
        let first: [u8; 32] = Sha256::digest("2026-03-15\nc1").into();
        let rank = (1..=9)
            .filter(|number| ![3, 5].contains(number))
            .filter(|number| <[u8; 32]>::from(Sha256::digest(format!("2026-03-15\nc{number}"))) < first)
            .count();
        let place = draw(candidates(), 9, "2026-03-15").sample;
        assert_eq!(place.iter().position(|one| one.case == "c1"), Some(rank));
    }
}
