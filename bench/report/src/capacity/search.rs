//! The way of a search: bracketing, then bisection, over the rungs of a ladder of rates. Two looks that agree
//! decide a rung, so that one stolen instant (or one lucky one) does not.
//!
//! It is a pure function of the looks made so far: the same looks lead to the same next one, and a search that
//! was recorded can be walked again. It assumes that who sustains a rate sustains every lower one; where that is
//! not so it finds one of the rungs at which it changes.

use std::collections::BTreeMap;

/// Looks at a rung: how many said that it is sustained, and how many that it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Votes {
    /// Sustained.
    pub kept: u32,
    /// Not.
    pub broke: u32,
}

impl Votes {
    /// Looks that agree decide.
    const AGREE: u32 = record::search::VOTES / 2 + 1;

    fn verdict(self) -> Option<bool> {
        if self.kept >= Votes::AGREE {
            Some(true)
        } else if self.broke >= Votes::AGREE {
            Some(false)
        } else {
            None
        }
    }
}

/// What a search does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Looks at this rung.
    Look(i32),
    /// It is over: the highest rung that is sustained (none: not even the lowest), and the next one, which is
    /// not (none: the ladder has no higher one).
    Found(Option<i32>, Option<i32>),
}

/// The next step of a search that begins at `start` and keeps to the ladder from `lowest` to `highest`.
pub(crate) fn next(
    start: i32,
    (lowest, highest): (i32, i32),
    votes: &BTreeMap<i32, Votes>,
) -> Next {
    let (mut kept, mut broke) = (None, None);
    let mut stride = 2;
    loop {
        let rung = match (kept, broke) {
            (None, None) => start.clamp(lowest, highest),
            (Some(kept), None) if kept >= highest => return Next::Found(Some(kept), None),
            (None, Some(broke)) if broke <= lowest => return Next::Found(None, Some(broke)),
            (Some(kept), None) => (kept + stride).min(highest),
            (None, Some(broke)) => (broke - stride).max(lowest),
            (Some(kept), Some(broke)) if broke - kept <= 1 => {
                return Next::Found(Some(kept), Some(broke));
            }
            (Some(kept), Some(broke)) => i32::midpoint(kept, broke),
        };
        if kept.is_some() != broke.is_some() {
            stride *= 2;
        }
        match votes.get(&rung).copied().unwrap_or_default().verdict() {
            Some(true) => kept = Some(rung),
            Some(false) => broke = Some(rung),
            None => return Next::Look(rung),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LADDER: (i32, i32) = (150, 500);

    /// Walks a search against a server that says whether it sustains a rung, and returns what it found and how
    /// many looks that took.
    fn walk(start: i32, mut sustains: impl FnMut(i32) -> bool) -> (Option<i32>, Option<i32>, u32) {
        let mut votes: BTreeMap<i32, Votes> = BTreeMap::new();
        for looks in 0..10_000 {
            match next(start, LADDER, &votes) {
                Next::Found(kept, broke) => return (kept, broke, looks),
                Next::Look(rung) => {
                    let votes = votes.entry(rung).or_default();
                    match sustains(rung) {
                        true => votes.kept += 1,
                        false => votes.broke += 1,
                    }
                }
            }
        }
        panic!("it does not end");
    }

    /// 0 to 1, from a state that moves on.
    fn chance(state: &mut u64) -> f64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    }

    proptest! {
        #[test]
        fn an_undisturbed_search_finds_the_very_rung(start in 100..600_i32, limit in 140..510_i32) {
            let (kept, broke, looks) = walk(start, |rung| rung <= limit);
            let kept_of = (limit >= LADDER.0).then(|| limit.min(LADDER.1));
            let broke_of = (limit < LADDER.1).then(|| (limit + 1).max(LADDER.0));
            prop_assert_eq!((kept, broke), (kept_of, broke_of));
            prop_assert!(looks <= 2 * 20, "{looks}");
        }

        #[test]
        fn a_search_from_near_by_is_short(limit in 200..450_i32, off in -6..6_i32) {
            let (kept, _, looks) = walk(limit - off, |rung| rung <= limit);
            prop_assert_eq!(kept, Some(limit));
            prop_assert!(looks <= 2 * 7, "{looks}");
        }

        #[test]
        fn one_wrong_look_at_each_rung_changes_nothing(start in 150..500_i32, limit in 150..499_i32, seed in any::<u64>()) {
            let (mut state, mut lied) = (seed, std::collections::BTreeSet::new());
            let (kept, broke, _) = walk(start, |rung| {
                let lies = chance(&mut state) < 0.5 && lied.insert(rung);
                (rung <= limit) != lies
            });
            prop_assert_eq!((kept, broke), (Some(limit), Some(limit + 1)));
        }
    }

    #[test]
    fn rare_disturbances_hardly_move_what_is_found() {
        let mut state = 42;
        let mut right = 0;
        for limit in 200..400 {
            // One look in twenty loses an instant and breaks.
            let (kept, ..) = walk(limit - 3, |rung| rung <= limit && chance(&mut state) > 0.05);
            right += u32::from(kept.is_some_and(|kept| (limit - 1..=limit).contains(&kept)));
        }
        assert!(right > 190, "{right} of 200 within one step");
    }
}
