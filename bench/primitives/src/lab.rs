//! What all labs have in common: who can be asked for, where they run, and how their findings are told.

use std::time::Duration;

use measure::{Found, LabAsked};
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use record::{Cause, Encoded, Findings, LabKind, Outcome, Phase, Where};

use crate::ipc::{self, Placement, Unmeasured};
use crate::{call, evidence, share, spawn, switch};

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nothing {
    /// `skipped` where this host lacks it, else what went wrong.
    pub outcome: Outcome,
    /// As a sentence.
    pub text: String,
    /// What the call that failed has said.
    pub errno: Option<i32>,
}

impl Nothing {
    /// A call failed that should not have.
    pub fn failed(call: &str, errno: Errno) -> Self {
        Nothing {
            outcome: Outcome::Partial,
            text: format!("{call}: {}", errno.desc()),
            errno: Some(errno as i32),
        }
    }

    /// This host lacks it, or does not allow it.
    pub fn unavailable(text: String, errno: Option<i32>) -> Self {
        Nothing {
            outcome: Outcome::Skipped,
            text,
            errno,
        }
    }
}

/// Names and titles of a lab's mechanisms, in the order of tables.
pub fn mechanisms(lab: LabKind) -> Vec<(&'static str, &'static str)> {
    match lab {
        LabKind::Spawn => spawn::mechanisms(),
        LabKind::Ipc => {
            let all = ipc::mechanisms().iter();
            all.map(|it| (it.name, it.title)).collect()
        }
        LabKind::Switch => switch::MECHANISMS.to_vec(),
        LabKind::Call => call::MECHANISMS.to_vec(),
        LabKind::Share => share::MECHANISMS.to_vec(),
        LabKind::Evidence => evidence::MECHANISMS.to_vec(),
    }
}

/// Carries out a lab in this process: a fresh one of one thread, that is for nothing else.
pub fn look(asked: &LabAsked) -> Found {
    let measured = match asked.lab.lab {
        LabKind::Spawn => spawn::measure(asked),
        LabKind::Ipc => messages(asked),
        LabKind::Switch => switch::measure(asked),
        LabKind::Call => call::measure(asked),
        LabKind::Share => share::measure(asked),
        LabKind::Evidence => evidence::measure(asked),
    };
    match measured {
        Ok(findings) => Found::ok(findings),
        Err(nothing) => {
            let mut cause = Cause::new(Phase::Load, nothing.text);
            cause.errno = nothing.errno;
            Found::nothing(nothing.outcome, cause)
        }
    }
}

/// A mechanism that this version does not have.
pub fn unknown(mechanism: &str) -> Nothing {
    let text = format!("this version has no mechanism {mechanism}");
    Nothing {
        outcome: Outcome::Skipped,
        text,
        errno: None,
    }
}

/// The CPUs of a placement; two-cores and free need two.
pub fn stay_on(cpus: &[usize], placement: Where) -> Result<(), Nothing> {
    let wanted = match placement {
        Where::SameCore => &cpus[..1],
        Where::TwoCores | Where::Free => cpus,
    };
    let mut set = CpuSet::new();
    for &cpu in wanted {
        set.set(cpu)
            .map_err(|errno| Nothing::failed("a CPU's number", errno))?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|errno| Nothing::failed("sched_setaffinity", errno))
}

/// The share of a window in which messages go to and fro; in the rest they go one way.
const TO_AND_FRO: f64 = 0.6;

fn messages(asked: &LabAsked) -> Result<Findings, Nothing> {
    let mut all = ipc::mechanisms().iter();
    let mechanism = all.find(|it| it.name == asked.mechanism);
    let mechanism = mechanism.ok_or_else(|| unknown(&asked.mechanism))?;
    let lab = &asked.lab;
    let placement = match (lab.placement, asked.cpus.as_slice()) {
        (Where::SameCore, [first, ..]) => Placement::SameCore(*first),
        (Where::TwoCores, [first, second, ..]) => Placement::TwoCores(*first, *second),
        (Where::TwoCores, _) => {
            let text = "this machine has one physical core".to_owned();
            return Err(Nothing::unavailable(text, None));
        }
        _ => Placement::Free,
    };
    if placement == Placement::Free {
        stay_on(&asked.cpus, Where::Free)?;
    }
    let measured = ipc::measure(
        mechanism,
        &ipc::Asked {
            bytes: lab.bytes.unwrap_or(64),
            placement,
            warmup: lab.warmup,
            round_trips_for: lab.window.mul_f64(TO_AND_FRO),
            one_way_for: match asked.times {
                Some(_) => Duration::ZERO,
                None => lab.window.mul_f64(1.0 - TO_AND_FRO),
            },
        },
    );
    measured.map(findings).map_err(|why| match why {
        Unmeasured::NotApplicable(text) => {
            Nothing::unavailable(format!("not applicable: {text}"), None)
        }
        Unmeasured::Unavailable(text, errno) => Nothing::unavailable(text, errno),
        Unmeasured::Failed(text, errno) => Nothing {
            outcome: Outcome::Partial,
            text,
            errno,
        },
    })
}

fn findings(measured: ipc::Measured) -> Findings {
    let mut findings = Findings {
        times: measured.round_trips,
        verified: measured.verified,
        ..Findings::default()
    };
    let round_trip = Encoded::new(&measured.round_trip);
    findings
        .histograms
        .insert("round_trip_ns".to_owned(), round_trip);
    let one_way = "it has no one-way traffic";
    let figures = [
        ("messages_per_s", measured.messages_per_s, one_way),
        ("bytes_per_s", measured.bytes_per_s, one_way),
        ("cpu_ns_per_time", Some(measured.cpu_ns), ""),
        (
            "switches_voluntary_per_time",
            Some(measured.switches_voluntary),
            "",
        ),
        (
            "switches_involuntary_per_time",
            Some(measured.switches_involuntary),
            "",
        ),
    ];
    for (name, figure, why) in figures {
        match figure {
            Some(figure) => drop(findings.figures.insert(name.to_owned(), figure)),
            None => drop(findings.missing.insert(name.to_owned(), why.to_owned())),
        }
    }
    findings
}
