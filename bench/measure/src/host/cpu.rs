//! CPUs: which there are, what they share, and who decides how fast they run.

use std::collections::{BTreeMap, BTreeSet};

use procfs::{CpuInfo, FromBufRead};
use record::Cpu;

use super::root::{Root, Told};

const SYS: &str = "/sys/devices/system";
/// More CPUs than any machine has: a list that says more is not believed.
const CPUS_MOST: usize = 1 << 16;

/// Online CPUs, in order. Where sysfs does not say, each counts as a core of its own.
pub fn topology(root: &Root) -> Vec<Cpu> {
    let online = || info(root).map_or(1, |info| info.num_cores());
    let list = root.text(&format!("{SYS}/cpu/online")).ok();
    let numbers = list.and_then(|list| cpu_list(&list));
    let numbers = numbers.unwrap_or_else(|| (0..online().max(1)).collect());
    let place = |cpu: usize| {
        let read = |what: &str| {
            let number = root.number(&format!("{SYS}/cpu/cpu{cpu}/topology/{what}"));
            number.ok().and_then(|number| u32::try_from(number).ok())
        };
        Cpu {
            cpu,
            package: read("physical_package_id").unwrap_or(0),
            core: read("core_id").unwrap_or(cpu as u32),
        }
    };
    numbers.into_iter().map(place).collect()
}

/// `0-3,8` as numbers.
pub fn cpu_list(list: &str) -> Option<Vec<usize>> {
    let mut numbers = BTreeSet::new();
    for range in list.split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if to >= CPUS_MOST || from > to {
            return None;
        }
        numbers.extend(from..=to);
    }
    Some(numbers.into_iter().collect())
}

/// As /proc/cpuinfo names it.
pub fn name(root: &Root) -> Told {
    let info = info(root)?;
    let name = info.model_name(0).map(str::to_owned);
    name.ok_or_else(|| "/proc/cpuinfo names no model".to_owned())
}

fn info(root: &Root) -> Told<CpuInfo> {
    let path = "/proc/cpuinfo";
    let text = root.text(path)?;
    CpuInfo::from_buf_read(text.as_bytes()).map_err(|error| format!("{path}: {error}"))
}

/// Each cache of the first CPU, with who shares it: `L1d 32 KiB, L3 32 MiB (CPUs 0-1)`.
pub fn caches(root: &Root) -> Told {
    let first = topology(root).first().map_or(0, |cpu| cpu.cpu);
    let folder = format!("{SYS}/cpu/cpu{first}/cache");
    let indices = root.names(&folder)?;
    let indices = indices.iter().filter(|name| name.starts_with("index"));
    let caches: Vec<String> = indices
        .filter_map(|index| cache(root, &format!("{folder}/{index}")))
        .collect();
    if caches.is_empty() {
        return Err(format!("{folder} lists no cache"));
    }
    Ok(caches.join(", "))
}

fn cache(root: &Root, folder: &str) -> Option<String> {
    let read = |what: &str| root.text(&format!("{folder}/{what}")).ok();
    let kind = match read("type")?.as_str() {
        "Data" => "d",
        "Instruction" => "i",
        _ => "",
    };
    let (level, size) = (read("level")?, size(&read("size")?)?);
    let shared = read("shared_cpu_list")?;
    let by = match cpu_list(&shared)?.len() {
        1 => String::new(),
        _ => format!(" (CPUs {shared})"),
    };
    Some(format!("L{level}{kind} {size}{by}"))
}

/// `32768K` as `32 MiB`.
fn size(text: &str) -> Option<String> {
    let kib: u64 = text.strip_suffix('K')?.parse().ok()?;
    Some(match kib % 1024 {
        0 if kib > 0 => format!("{} MiB", kib / 1024),
        _ => format!("{kib} KiB"),
    })
}

/// Memory nodes and their CPUs: `node0: CPUs 0-1`.
pub fn nodes(root: &Root) -> Told {
    let folder = format!("{SYS}/node");
    let names = root.names(&folder)?;
    let is_node = |name: &&String| {
        name.strip_prefix("node")
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let nodes: Vec<String> = names
        .iter()
        .filter(is_node)
        .filter_map(|name| {
            let cpus = root.text(&format!("{folder}/{name}/cpulist")).ok()?;
            Some(format!("{name}: CPUs {cpus}"))
        })
        .collect();
    if nodes.is_empty() {
        return Err(format!("{folder} lists no node"));
    }
    Ok(nodes.join("; "))
}

/// What every online CPU says in a file of its own: once where they agree, else with how many say so.
pub fn of_each(root: &Root, file: &str) -> Told {
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for cpu in topology(root) {
        let text = root.text(&format!("{SYS}/cpu/cpu{}/{file}", cpu.cpu))?;
        *said.entry(text).or_default() += 1;
    }
    if let (1, Some(word)) = (said.len(), said.keys().next()) {
        return Ok(word.clone());
    }
    let each = said
        .iter()
        .map(|(word, cpus)| format!("{word} ({cpus} CPUs)"));
    Ok(each.collect::<Vec<_>>().join(", "))
}

/// Whether cores may run faster than their nominal clock while others rest: `on` or `off`.
pub fn boost(root: &Root) -> Told {
    if let Ok(off) = root.number(&format!("{SYS}/cpu/intel_pstate/no_turbo")) {
        return Ok(if off == 0 { "on" } else { "off" }.to_owned());
    }
    let on = root.number(&format!("{SYS}/cpu/cpufreq/boost"))?;
    Ok(if on == 0 { "off" } else { "on" }.to_owned())
}

/// What the kernel does about each weakness that this CPU has: `spectre_v2: Mitigation: …; …`.
pub fn mitigations(root: &Root) -> Told {
    let folder = format!("{SYS}/cpu/vulnerabilities");
    let names = root.names(&folder)?;
    let said: Vec<String> = names
        .iter()
        .filter_map(|name| Some((name, root.text(&format!("{folder}/{name}")).ok()?)))
        .filter(|(_, text)| text != "Not affected")
        .map(|(name, text)| format!("{name}: {}", text.replace("; ", ", ")))
        .collect();
    if said.is_empty() {
        return Ok("none needed".to_owned());
    }
    Ok(said.join("; "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(cpu_list("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(cpu_list("7"), Some(vec![7]));
        for odd in ["", "3-1", "0-99999999999", "a", "0,,1"] {
            assert_eq!(cpu_list(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn a_list_of_cpus_reads_back(cpus in prop::collection::btree_set(0..300_usize, 1..40)) {
            let mut ranges: Vec<(usize, usize)> = Vec::new();
            for &cpu in &cpus {
                match ranges.last_mut() {
                    Some((_, to)) if *to + 1 == cpu => *to = cpu,
                    _ => ranges.push((cpu, cpu)),
                }
            }
            let word = |(from, to): &(usize, usize)| match from == to {
                true => from.to_string(),
                false => format!("{from}-{to}"),
            };
            let list = ranges.iter().map(word).collect::<Vec<_>>().join(",");
            prop_assert_eq!(cpu_list(&list), Some(cpus.into_iter().collect()));
        }

        #[test]
        fn no_list_is_believed_beyond_reason(text in "[0-9,\\-]{0,24}") {
            prop_assert!(cpu_list(&text).is_none_or(|cpus| cpus.len() <= CPUS_MOST));
        }

        #[test]
        fn sizes_are_read_or_refused(kib in 0..100_000_000_u64, odd in "\\PC{0,8}") {
            let told = size(&format!("{kib}K"));
            prop_assert!(told.is_some_and(|it| it.ends_with("iB")));
            let _ = size(&odd);
        }
    }
}
