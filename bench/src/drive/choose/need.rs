//! A need: what somebody wants served, read from words, and the suite that it makes. It ends at the suite; who
//! meets it `report` says.

use std::time::Duration;

use clap::Args;
use measure::load::{self, OTHER_DESCRIPTORS};
use record::{Search, Slo, Workload};
use regex::Regex;

use crate::drive::failure::Failure;
use crate::drive::load::rate;
use crate::drive::stopping;

/// The need, as it is typed.
#[derive(Args, Clone)]
pub struct NeedArgs {
    /// Clients at once
    #[arg(long, value_name = "N", default_value = "50")]
    connections: String,
    /// Requests a second of all of them: 500, 8000, 20k
    #[arg(long, value_name = "R")]
    rate: String,
    /// CPU time of each request beside the echo: cpu:80us, cpu:1ms@10%
    #[arg(long, value_name = "SPEC", default_value = "none")]
    work: String,
    /// What some requests wait for: sleep:5ms@2%, read:1MiB@1%
    #[arg(long, value_name = "SPEC", default_value = "none")]
    blocking: String,
    /// Memory that the server holds: 300MiB
    #[arg(long, value_name = "SIZE")]
    state: Option<String>,
    /// The share of it that a connection writes to as it begins: 1%
    #[arg(long, value_name = "PERCENT", requires = "state")]
    touch: Option<String>,
    /// The share of the requests that come on a new connection: 5%
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    churn: String,
    /// Connections beside the clients that stay open and say nothing
    #[arg(long, value_name = "N", default_value = "0")]
    idle: String,
    /// What must hold of response times: a percentile and a time
    #[arg(long, value_name = "PERCENTILE=TIME", default_value = "p99=20ms")]
    slo: String,
}

/// A need that can be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Clients, work, state and promise, as a search for the highest rate takes them.
    pub under: Search,
    /// Requests a second.
    pub rate: f64,
}

impl NeedArgs {
    /// The need.
    ///
    /// # Errors
    /// With the option that cannot be meant, and how it is written.
    pub fn need(&self, window: Duration) -> Result<Need, Failure> {
        let slo: Slo = said("--slo", &self.slo, self.slo.parse(), "--slo p99=20ms")?;
        let per_connection = said("--churn", &self.churn, churn(&self.churn), "--churn 5%")?;
        let connections = count("--connections", &self.connections)?;
        let idle = count("--idle", &self.idle)?;
        let rate = said("--rate", &self.rate, rate(&self.rate), "--rate 8000")?;
        let work = self.work()?;
        if connections == 0 {
            let cause = "somebody has to ask: idle connections are --idle";
            return Err(Failure::usage("--connections 0", cause).hint("--connections 50"));
        }
        if idle > 0 && per_connection.is_some() {
            let cause = "the generator keeps silent connections only beside clients that stay";
            return Err(Failure::usage("--idle and --churn go not together", cause)
                .hint("--idle alone, or --churn with more --connections"));
        }
        let under = Search {
            slo,
            connections,
            rounds: 3,
            window,
            work,
            workload: match per_connection {
                Some(_) => Workload::Crr,
                None => Workload::Rr,
            },
            per_connection: per_connection.unwrap_or(1),
            state: self.memory()?,
            touch: self.share_of_state()?,
            idle,
            contenders: Vec::new(),
        };
        Ok(Need { under, rate })
    }

    /// Both kinds of work, as `echo-server --work` takes them.
    fn work(&self) -> Result<String, Failure> {
        let share = r"(@([0-9]{1,2}(\.[0-9]+)?|100)%)?";
        let cpu = format!("^cpu:[0-9]{{1,9}}(ns|us|ms|s){share}$");
        let waits =
            format!("^(sleep:[0-9]{{1,9}}(ns|us|ms|s)|read:[0-9]{{1,9}}(B|KiB|MiB)){share}$");
        let mut kinds = Vec::new();
        for (option, text, pattern, example) in [
            ("--work", &self.work, cpu, "cpu:80us"),
            ("--blocking", &self.blocking, waits, "sleep:5ms@2%"),
        ] {
            let text = text.trim();
            if text == "none" {
                continue;
            }
            if !matches(&pattern, text) {
                let cause = match option {
                    "--work" => {
                        "it is CPU time, and the share that has it: cpu:80us, cpu:1ms@10%; what waits is --blocking"
                    }
                    _ => {
                        "it is a sleep or a read, and the share that has it: sleep:5ms@2%, read:1MiB@1%"
                    }
                };
                return Err(
                    Failure::usage(format!("{option} {text} cannot be read"), cause)
                        .hint(format!("{option} {example}")),
                );
            }
            kinds.push(text.to_owned());
        }
        Ok(match kinds.is_empty() {
            true => "none".to_owned(),
            false => kinds.join("+"),
        })
    }

    fn memory(&self) -> Result<Option<String>, Failure> {
        let is_size = |text: &str| matches("^[1-9][0-9]{0,8}(B|KiB|MiB|GiB)$", text);
        match &self.state {
            Some(text) if !is_size(text) => {
                let cause = "a size has a number and a unit: B, KiB, MiB or GiB";
                Err(
                    Failure::usage(format!("--state {text} cannot be read"), cause)
                        .hint("--state 300MiB"),
                )
            }
            state => Ok(state.clone()),
        }
    }

    fn share_of_state(&self) -> Result<Option<String>, Failure> {
        let Some(text) = &self.touch else {
            return Ok(None);
        };
        said("--touch", text, stopping::percent(text), "--touch 1%")?;
        Ok(Some(text.replace(' ', "")))
    }
}

impl Need {
    /// Whether the host lets so many be connected, before anything is started.
    ///
    /// # Errors
    /// With what is missing, and by how much.
    pub fn fits(&self, descriptors: u64, ports: u64) -> Result<(), Failure> {
        let all = u64::from(self.under.connections) + u64::from(self.under.idle);
        let refused = |missing: u64, cause: String, hint: &str| {
            let error = format!("{all} connections are more than this host allows, by {missing}");
            Err(Failure::usage(error, cause).hint(hint))
        };
        if all + OTHER_DESCRIPTORS > descriptors {
            let cause = format!(
                "the limit of descriptors is {descriptors}, and {OTHER_DESCRIPTORS} are for other things"
            );
            return refused(
                all + OTHER_DESCRIPTORS - descriptors,
                cause,
                "ulimit -Hn as root, or fewer --connections and --idle",
            );
        }
        let room = match self.under.workload {
            Workload::Crr => ports.saturating_mul(load::sources().len() as u64),
            _ => ports,
        };
        if all > room {
            let cause = format!("net.ipv4.ip_local_port_range holds {ports} ports");
            return refused(
                all - room,
                cause,
                "a wider range (sysctl), or fewer --connections and --idle",
            );
        }
        Ok(())
    }

    /// The suite as a file has it: one scenario, `need`, that `run` reads.
    pub fn toml(&self, rounds: u32, reference: &str) -> String {
        let Search {
            slo,
            connections,
            window,
            work,
            per_connection,
            idle,
            ..
        } = &self.under;
        let workload = match self.under.workload {
            Workload::Crr => format!("\"crr\"\nper_connection = {per_connection}"),
            _ => "\"rr\"".to_owned(),
        };
        let mut more = String::new();
        for (field, value) in [("state", &self.under.state), ("touch", &self.under.touch)] {
            if let Some(value) = value {
                more.push_str(&format!("{field} = \"{value}\"\n"));
            }
        }
        if *idle > 0 {
            more.push_str(&format!("idle = {idle}\n"));
        }
        format!(
            "# A need, written by `fiveways choose`; `fiveways run suite.toml` measures it again.\n\
             question = \"Who keeps {slo} at {rate} requests a second?\"\nreference = \"{reference}\"\n\n\
             [[scenario]]\nname = \"{name}\"\ntitle = \"{rate} requests a second from {connections} clients\"\n\
             question = \"Who keeps {slo}?\"\nworkload = {workload}\npace = {{ poisson = {rate} }}\n\
             connections = {connections}\nwork = \"{work}\"\n{more}workers = \"connections\"\nserver_cpus = 1\n\
             measure = \"solo\"\nwarmup = \"200ms\"\nwindow = \"{}\"\nrounds = {rounds}\n",
            humantime::format_duration(*window),
            rate = self.rate,
            name = report::NEED,
        )
    }
}

fn said<T>(option: &str, text: &str, read: Result<T, String>, hint: &str) -> Result<T, Failure> {
    read.map_err(|cause| {
        Failure::usage(format!("{option} {text} cannot be read"), cause).hint(hint)
    })
}

fn count(option: &str, text: &str) -> Result<u32, Failure> {
    let number = text.trim().replace(',', "").parse::<u32>();
    let number = number.ok().filter(|number| *number <= 1_000_000);
    let number =
        number.ok_or_else(|| "it is a whole number of connections, at most 1000000".to_owned());
    said(option, text, number, &format!("{option} 2000"))
}

/// Requests of a connection, where a share of them opens a new one; nothing where none does.
pub fn churn(text: &str) -> Result<Option<u32>, String> {
    let number = text.trim().strip_suffix('%').map(str::trim);
    let share = number.and_then(|number| number.parse::<f64>().ok());
    let share = share.filter(|percent| (0.0..=100.0).contains(percent));
    match share.ok_or("it is a share of the requests between 0% and 100%, as in 5%")? {
        0.0 => Ok(None),
        percent if percent < 0.001 => Err("less than 0.001% would show in no window".to_owned()),
        percent => Ok(Some((100.0 / percent).round() as u32)),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_new_connections_is_a_number_of_requests_each() {
        assert_eq!(churn("5%"), Ok(Some(20)));
        assert_eq!((churn("0%"), churn("100 %")), (Ok(None), Ok(Some(1))));
        for wrong in ["", "5", "%", "-1%", "101%", "nan%", "1e-9%", "five%"] {
            assert!(churn(wrong).is_err(), "{wrong}");
        }
    }

    fn args(state: &str, work: &str, blocking: &str, churn: &str, slo: &str) -> NeedArgs {
        NeedArgs {
            connections: "2,000".to_owned(),
            rate: "8k".to_owned(),
            work: work.to_owned(),
            blocking: blocking.to_owned(),
            state: Some(state.to_owned()),
            touch: None,
            churn: churn.to_owned(),
            idle: "0".to_owned(),
            slo: slo.to_owned(),
        }
    }

    fn suite(need: &Need) -> Result<record::Suite, String> {
        let text = need.toml(3, "event-loop");
        record::read_suite(&text, std::path::Path::new("need.toml"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_need_is_a_suite_that_reads() {
        let args = args("300MiB", "cpu:80us", "sleep:5ms@2%", "5%", "p99=20ms");
        let need = args.need(Duration::from_secs(1)).expect("a need");
        let suite = suite(&need).expect("a suite");
        let one = &suite.scenarios[0];
        assert_eq!(one.work, "cpu:80us+sleep:5ms@2%");
        assert_eq!((one.connections, one.per_connection), (2000, 20));
        assert_eq!(one.pace, record::Pace::Poisson(8000.0));
        assert_eq!(one.state.as_deref(), Some("300MiB"));
    }

    #[test]
    fn what_a_host_lacks_is_counted() {
        let need = args("1MiB", "none", "none", "0%", "p99=20ms");
        let need = need.need(Duration::from_secs(1)).expect("a need");
        assert!(need.fits(100_000, 28_000).is_ok());
        assert!(need.fits(2_063, 28_000).is_err() && need.fits(2_064, 28_000).is_ok());
        assert!(need.fits(100_000, 1_999).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_is_a_suite_or_a_sentence(
            state in "[0-9]{0,4}(MiB|GiB|B|\\PC{0,3})", work in "(cpu|sleep|none):?[0-9]{0,3}(us|ms|\\PC?)",
            blocking in "(sleep|read|none):?[0-9]{0,3}(ms|KiB)?(@[0-9.]{0,4}%)?", churn in "[0-9.]{0,5}%?",
            slo in "p?[0-9.]{0,4}=?[0-9]{0,3}(ms|us)?",
        ) {
            if let Ok(need) = args(&state, &work, &blocking, &churn, &slo).need(Duration::from_secs(1)) {
                let suite = suite(&need);
                proptest::prop_assert!(suite.is_ok(), "{suite:?}");
            }
        }

        #[test]
        fn nothing_typed_makes_a_panic(text in "\\PC{0,12}") {
            let _ = args(&text, &text, &text, &text, &text).need(Duration::from_secs(1));
            let _ = churn(&text);
        }
    }
}
