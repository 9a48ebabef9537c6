//! Shaping: delay and loss of what this host sends, by netem(8), where that does nobody any harm: in a network namespace
//! that is not the machine's own.
//!
//! It ends with the agent, or with the namespace.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use record::Network;

use crate::programs;

/// Has every interface but the loopback delay and lose what it sends; with `None`, no more.
///
/// # Errors
/// Where the namespace is the machine's, or the kernel has no netem: in a sentence.
pub fn shape(network: Option<&Network>) -> Result<(), String> {
    if network.is_some() && !is_apart() {
        return Err(
            "the server's host is no network namespace of its own, and nobody else's network is delayed".to_owned(),
        );
    }
    for interface in interfaces() {
        match network {
            Some(network) => tc(&on(&interface, network))?,
            // Nothing to take away is no failure.
            None => drop(tc(&words(&["qdisc", "del", "dev", &interface, "root"]))),
        }
    }
    Ok(())
}

/// Another one than init's; where that may not be looked at, one that somebody has named (ip-netns(8)).
fn is_apart() -> bool {
    let namespace = |path: &Path| std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let Some(own) = namespace(Path::new("/proc/self/ns/net")) else {
        return false;
    };
    match namespace(Path::new("/proc/1/ns/net")) {
        Some(first) => own != first,
        None => {
            let named = std::fs::read_dir("/run/netns").into_iter().flatten();
            let mut named = named.flatten().map(|it| it.path());
            named.any(|path| namespace(&path) == Some(own))
        }
    }
}

/// Of this namespace, the loopback apart.
fn interfaces() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let names = table
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next());
    let names = names.map(|name| name.trim().to_owned());
    names
        .filter(|name| name != "lo" && !name.is_empty())
        .collect()
}

fn on(interface: &str, network: &Network) -> Vec<String> {
    let mut all = words(&["qdisc", "replace", "dev", interface, "root", "netem"]);
    if !network.delay.is_zero() {
        all.extend([
            "delay".to_owned(),
            format!("{}us", network.delay.as_micros()),
        ]);
    }
    if let Some(percent) = network.loss_percent() {
        all.extend(["loss".to_owned(), format!("{percent}%")]);
    }
    all
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn tc(arguments: &[String]) -> Result<(), String> {
    let argv = [&["tc".to_owned()], arguments].concat();
    match programs::run(&argv, None) {
        Ok(said) if said.status == Some(0) => Ok(()),
        Ok(said) => {
            let reason = said
                .stderr
                .lines()
                .next()
                .unwrap_or("tc does not say why")
                .to_owned();
            Err(format!(
                "the way cannot be delayed: the kernel has no netem, or denies it ({reason})"
            ))
        }
        Err(error) => Err(format!(
            "the way cannot be delayed: tc (iproute2) cannot be run: {error}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_network_is_said_in_the_words_of_tc() {
        let network = Network {
            delay: Duration::from_micros(1500),
            loss: Some("0.1%".to_owned()),
        };
        let said = on("eth0", &network).join(" ");
        assert_eq!(
            said,
            "qdisc replace dev eth0 root netem delay 1500us loss 0.1%"
        );
        assert!(!interfaces().contains(&"lo".to_owned()));
    }
}
