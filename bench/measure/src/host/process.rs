//! What this process may do here, and with which words the kernel was started.

use super::root::{Root, Told};

const LIMITS: &str = "/proc/self/limits";
/// Words of a command line that name a machine, its disks or its network: their values are nobody's business.
const PRIVATE: [&str; 8] = [
    "root",
    "resume",
    "ip",
    "init",
    "rdinit",
    "hostname",
    "nfsroot",
    "BOOT_IMAGE",
];

/// A line of /proc/self/limits: `20000, at most 20000`.
pub fn limit(root: &Root, name: &str) -> Told {
    let text = root.text(LIMITS)?;
    let (soft, hard) =
        limit_of(&text, name).ok_or_else(|| format!("{LIMITS} has no line {name:?}"))?;
    Ok(format!("{soft}, at most {hard}"))
}

/// Soft and hard limit of a name, from the table that /proc/self/limits is.
fn limit_of<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let mut words = line[name.len()..].split_whitespace();
    Some((words.next()?, words.next()?))
}

/// A line of /proc/self/status.
pub fn status(root: &Root, name: &str) -> Told {
    let path = "/proc/self/status";
    let text = root.text(path)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.ok_or_else(|| format!("{path} has no line {name:?}"))?;
    Ok(line.trim().to_owned())
}

/// Who this process is to the kernel.
pub fn user(root: &Root) -> Told {
    let ids = status(root, "Uid")?;
    let effective = ids.split_whitespace().nth(1).unwrap_or_default();
    Ok(if effective == "0" { "root" } else { "not root" }.to_owned())
}

/// Whether system calls are filtered.
pub fn seccomp(root: &Root) -> Told {
    Ok(match status(root, "Seccomp")?.as_str() {
        "0" => "none",
        "1" => "strict",
        _ => "a filter",
    }
    .to_owned())
}

/// What contains this process beside the kernel.
pub fn container(root: &Root) -> Told {
    let marks = [("/.dockerenv", "Docker"), ("/run/.containerenv", "Podman")];
    let mark = marks.iter().find(|(path, _)| root.has(path));
    if let Some((_, name)) = mark {
        return Ok((*name).to_owned());
    }
    let groups = root.text("/proc/self/cgroup")?;
    let known = ["docker", "kubepods", "libpod", "lxc"];
    let name = known.iter().find(|name| groups.contains(**name));
    Ok(name.map_or("none", |name| *name).to_owned())
}

/// The words that the kernel was started with; what is said to init, and what names a machine, left out.
pub fn command_line(root: &Root) -> Told {
    Ok(public(&root.text("/proc/cmdline")?))
}

fn public(line: &str) -> String {
    let words = line.split_whitespace().take_while(|word| *word != "--");
    let word = |word: &str| match word.split_once('=') {
        Some((key, value)) if is_private(key, value) => format!("{key}=…"),
        None if is_private("", word) => "…".to_owned(),
        _ => word.to_owned(),
    };
    words.map(word).collect::<Vec<_>>().join(" ")
}

fn is_private(key: &str, value: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ",._-".contains(c);
    let hex = value.chars().filter(char::is_ascii_hexdigit).count();
    PRIVATE.contains(&last) || !value.chars().all(plain) || hex >= 16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_line_keeps_what_matters_and_names_nobody() {
        let line = "BOOT_IMAGE=/vmlinuz root=UUID=5d1f7a3e-92ab-4e43-9f7c-0f0c1b2a3d4e ro quiet mitigations=off \
                    isolcpus=2,3 systemd.hostname=mine ip=10.0.0.1 -- --token secret";
        assert_eq!(
            public(line),
            "BOOT_IMAGE=… root=… ro quiet mitigations=off isolcpus=2,3 systemd.hostname=… ip=…"
        );
    }

    #[test]
    fn limits_are_found_by_their_whole_name() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             96365                unlimited            processes\n\
                    Max open files            1024                 20000                files\n\
                    Max nice priority         0                    0\n";
        assert_eq!(limit_of(text, "Max open files"), Some(("1024", "20000")));
        assert_eq!(
            limit_of(text, "Max processes"),
            Some(("96365", "unlimited"))
        );
        assert_eq!(limit_of(text, "Max nice priority"), Some(("0", "0")));
        assert_eq!(limit_of(text, "Max stack size"), None);
    }

    proptest! {
        #[test]
        fn nothing_of_a_path_or_an_address_is_told(
            secret in "(/[a-z]{3,9}){1,3}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}|[a-z]{3,9}@[a-z]{3,9}",
            key in "[a-z_.]{1,12}",
        ) {
            let said = public(&format!("{key}={secret} {secret} -- {secret}"));
            prop_assert!(!said.contains(&secret), "{}", said);
        }

        #[test]
        fn whatever_a_file_holds_it_is_read_without_panic(text in "\\PC{0,200}") {
            let _ = limit_of(&text, "Max open files");
            let _ = public(&text);
        }
    }
}
