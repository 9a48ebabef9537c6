//! Whether intervals of ratios hold what they claim, on noise that is known and on two copies of one server.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::bootstrap::mean_interval;
use super::ratio::{of_slices, ratio};
use super::student::Student;

/// Dice of known laws.
pub(crate) struct Noise(StdRng);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(StdRng::seed_from_u64(seed))
    }

    pub fn below(&mut self, number: usize) -> usize {
        self.0.random_range(0..number)
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        let (a, b): (f64, f64) = (self.0.random(), self.0.random());
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Student's t with three degrees of freedom: its fourth moment is infinite. Scaled to a variance of 1.
    pub fn heavy(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
        self.normal() / squares.sqrt()
    }
}

/// Two copies of one server: the logarithms of their slices' ratios, a round a row.
fn twins() -> Vec<Vec<f64>> {
    let text = include_str!("../../tests/twins.csv");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            line.split(',')
                .skip(2)
                .map(|it| it.parse().expect("replies"))
                .collect()
        })
        .collect();
    let ratios = |pair: &[Vec<f64>]| {
        let slices = pair[0].iter().zip(&pair[1]);
        slices.map(|(a, b)| (a / b).ln()).collect()
    };
    rows.chunks(2).map(ratios).collect()
}

/// How often, of 2,000 times, an interval of `rounds` rounds holds a ratio of 1.
fn coverage(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    let held = (0..2_000).filter(|&seed| {
        let logarithms: Vec<f64> = (0..rounds).map(|_| round()).collect();
        let interval = ratio(&logarithms, 0.0, seed).and_then(|it| it.interval);
        interval.is_some_and(|it| it.low <= 1.0 && 1.0 <= it.high)
    });
    held.count() as f64 / 2_000.0
}

const ROUNDS: [usize; 5] = [5, 8, 12, 15, 25];

#[test]
fn intervals_of_ratios_hold_the_truth_95_times_of_100() {
    // Spread from round to round, in units of that of the median of 30 slices.
    for between in [0.0, 1.0, 5.0] {
        for (law, draw) in [
            ("normal", Noise::normal as fn(&mut Noise) -> f64),
            ("heavy", Noise::heavy),
        ] {
            for rounds in ROUNDS {
                let mut noise = Noise::new(rounds as u64);
                let share = coverage(rounds, || {
                    let level = between * 0.2 * draw(&mut noise);
                    let slices: Vec<f64> = (0..30).map(|_| level + draw(&mut noise)).collect();
                    0.05 * of_slices(&slices).expect("thirty")
                });
                println!("{law}, between {between}, {rounds} rounds: {share}");
                assert!(
                    (0.93..=0.97).contains(&share),
                    "{law} {between} {rounds}: {share}"
                );
            }
        }
    }
}

#[test]
fn two_copies_of_a_server_are_found_equal_95_times_of_100() {
    let figures: Vec<f64> = twins().iter().filter_map(|it| of_slices(it)).collect();
    assert_eq!(figures.len(), 120);
    for rounds in ROUNDS {
        let mut noise = Noise::new(rounds as u64);
        let share = coverage(rounds, || figures[noise.below(figures.len())]);
        println!("twins, {rounds} rounds: {share}");
        assert!((0.93..=0.97).contains(&share), "{rounds} rounds: {share}");
    }
}

#[test]
fn what_no_round_of_a_run_shows_is_in_the_interval_by_the_resolution() {
    let held = |resolution: f64, rounds: usize| {
        let mut noise = Noise::new(rounds as u64);
        let of_run = |&seed: &u64| {
            let off = 0.0004 * noise.normal();
            let logarithms: Vec<f64> = (0..rounds).map(|_| off + 0.0015 * noise.normal()).collect();
            let interval = ratio(&logarithms, resolution, seed).and_then(|it| it.interval);
            interval.is_some_and(|it| it.low <= 1.0 && 1.0 <= it.high)
        };
        (0..2_000).filter(of_run).count() as f64 / 2_000.0
    };
    for rounds in [13, 20] {
        let (without, with) = (held(0.0, rounds), held(0.0004, rounds));
        println!("{rounds} rounds: {without} without, {with} with the resolution");
        assert!(without < 0.9 && (0.93..=0.98).contains(&with));
    }
}

#[test]
fn the_median_of_pairs_spreads_least() {
    let spread = |figure: fn(&[f64]) -> f64| {
        let figures: Vec<f64> = twins().iter().map(|it| figure(it)).collect();
        let mean = mean(&figures);
        let squares: f64 = figures.iter().map(|it| (it - mean).powi(2)).sum();
        (squares / (figures.len() - 1) as f64).sqrt()
    };
    let without_quarters = |pairs: &[f64]| {
        let mut sorted = pairs.to_vec();
        sorted.sort_by(f64::total_cmp);
        mean(&sorted[pairs.len() / 4..pairs.len() - pairs.len() / 4])
    };
    let (mean, quarters) = (spread(mean), spread(without_quarters));
    let median = spread(|pairs| of_slices(pairs).expect("thirty"));
    println!(
        "sd of a round: mean {mean:.5}, without outer quarters {quarters:.5}, median {median:.5}"
    );
    assert!(median < quarters && 2.0 * median < mean);
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Why rounds are not drawn below 15, and why slices are never drawn inside them.
#[test]
fn drawing_rounds_covers_too_little_and_drawing_slices_too_much() {
    let twins = twins();
    let mut noise = Noise::new(1);
    let (mut student, mut drawn, mut slices) = (0, 0, 0);
    let holds = |low: f64, high: f64| u32::from(low <= 0.0 && 0.0 <= high);
    for seed in 0..1_000 {
        let rounds: Vec<&Vec<f64>> = (0..8).map(|_| &twins[noise.below(twins.len())]).collect();
        let figures: Vec<f64> = rounds.iter().filter_map(|it| of_slices(it)).collect();
        let known = Student::of(&figures).expect("eight").interval();
        student += holds(known.low, known.high);
        let plain = mean_interval(&figures, 1.959_964 * (7.0_f64 / 8.0).sqrt(), seed);
        drawn += holds(plain.low, plain.high);
        let mut readings: Vec<f64> = (0..200).map(|_| twice(&rounds, &mut noise)).collect();
        readings.sort_by(f64::total_cmp);
        slices += holds(readings[5], readings[194]);
    }
    println!(
        "eight rounds, of 1000 times: student {student}, rounds drawn {drawn}, slices drawn, too {slices}"
    );
    assert!((930..=970).contains(&student), "{student}");
    assert!(drawn < 920, "{drawn}");
    assert!(slices > 980, "{slices}");
}

/// A reading of rounds drawn with replacement, and in each of them slices likewise.
fn twice(rounds: &[&Vec<f64>], noise: &mut Noise) -> f64 {
    let mut figure = || {
        let round = rounds[noise.below(rounds.len())];
        let slices: Vec<f64> = round
            .iter()
            .map(|_| round[noise.below(round.len())])
            .collect();
        of_slices(&slices).expect("thirty")
    };
    (0..rounds.len()).map(|_| figure()).sum::<f64>() / rounds.len() as f64
}
