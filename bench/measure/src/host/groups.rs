//! The cgroups that this process lives in: their version, their controllers, and what they allow.

use procfs::FromBufRead;
use procfs::process::MountInfos;

use super::root::{Root, Told};

/// The v2 hierarchy as this process sees it.
struct Unified {
    /// Where it is mounted.
    mount: String,
    /// This process's group in it, without a slash at its end.
    own: String,
}

/// `1`, `2`, `1 and 2` (hybrid) or why none.
pub fn version(root: &Root) -> Told {
    let mounts = mounts(root)?;
    let has = |kind: &str| mounts.iter().any(|(fs, _)| fs == kind);
    match (has("cgroup"), has("cgroup2")) {
        (false, false) => Err("no cgroup hierarchy is mounted".to_owned()),
        (true, false) => Ok("1".to_owned()),
        (false, true) => Ok("2".to_owned()),
        (true, true) => Ok("1 and 2 (hybrid)".to_owned()),
    }
}

/// Type and mount point of each mount.
fn mounts(root: &Root) -> Told<Vec<(String, String)>> {
    let path = "/proc/self/mountinfo";
    let text = root.text(path)?;
    let mounts = MountInfos::from_buf_read(text.as_bytes());
    let mounts = mounts.map_err(|error| format!("{path}: {error}"))?;
    let mounts = mounts.into_iter().map(|mount| {
        let point = mount.mount_point.to_string_lossy().into_owned();
        (mount.fs_type, point)
    });
    Ok(mounts.collect())
}

fn unified(root: &Root) -> Told<Unified> {
    let mounts = mounts(root)?;
    let mount = mounts.into_iter().find(|(fs, _)| fs == "cgroup2");
    let (_, mount) = mount.ok_or("cgroup v2 is not mounted")?;
    let groups = root.text("/proc/self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.ok_or("this process is in no cgroup v2")?;
    Ok(Unified {
        mount,
        own: own.trim_end_matches('/').to_owned(),
    })
}

/// Controllers that the v2 hierarchy offers to this process's group.
pub fn controllers(root: &Root) -> Told {
    let it = unified(root)?;
    let text = root.text(&format!("{}{}/cgroup.controllers", it.mount, it.own))?;
    Ok(match text.as_str() {
        "" => "none".to_owned(),
        _ => text,
    })
}

/// The tightest of what this process's group and those above it are allowed of CPU time.
pub fn cpu(root: &Root) -> Told {
    tightest(root, "cpu.max", quota)
        .or_else(|why| {
            version_one(
                root,
                "cpu",
                "cpu.cfs_quota_us",
                why,
                |root, folder, quota| {
                    let period = root.number(&format!("{folder}/cpu.cfs_period_us")).ok()?;
                    let share = quota.parse::<f64>().ok()? / period as f64;
                    (share > 0.0).then(|| share.to_string())
                },
            )
        })
        .map(|share| match share {
            Some(share) => format!("{share} CPUs"),
            None => "none".to_owned(),
        })
}

/// Likewise of memory, in bytes.
pub fn memory(root: &Root) -> Told {
    let bytes = |text: &str| text.parse::<f64>().ok();
    tightest(root, "memory.max", bytes)
        .or_else(|why| {
            version_one(
                root,
                "memory",
                "memory.limit_in_bytes",
                why,
                |_, _, text| {
                    // What stands for "no limit" is a number, too: the largest.
                    let bytes = text.parse::<u64>().ok()?;
                    (bytes < 1 << 60).then(|| bytes.to_string())
                },
            )
        })
        .map(|bytes| bytes.unwrap_or_else(|| "none".to_owned()))
}

/// Likewise of tasks.
pub fn tasks(root: &Root) -> Told {
    let count = |text: &str| text.parse::<f64>().ok();
    tightest(root, "pids.max", count)
        .or_else(|why| {
            version_one(root, "pids", "pids.max", why, |_, _, text| {
                text.parse::<u64>().ok().map(|tasks| tasks.to_string())
            })
        })
        .map(|tasks| tasks.unwrap_or_else(|| "none".to_owned()))
}

/// `50000 100000` as 0.5 of a CPU; `max 100000` is no limit.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// The least that a file of the v2 group or of one above it says; `None` when none limits.
fn tightest(root: &Root, file: &str, read: fn(&str) -> Option<f64>) -> Told<Option<String>> {
    let it = unified(root)?;
    let mut group = it.own.as_str();
    let (mut seen, mut least) = (false, None::<f64>);
    loop {
        if let Ok(text) = root.text(&format!("{}{group}/{file}", it.mount)) {
            seen = true;
            least = read(&text).into_iter().chain(least).reduce(f64::min);
        }
        match group.rsplit_once('/') {
            Some((above, _)) => group = above,
            None => break,
        }
    }
    // The hierarchy's own root has no limits to read; a group without the file has no such controller.
    match seen {
        true => Ok(least.map(|least| least.to_string())),
        false => Err(format!("no {file} in cgroup v2")),
    }
}

/// What a v1 hierarchy says, where there is one with this controller.
fn version_one(
    root: &Root,
    controller: &str,
    file: &str,
    why: String,
    read: fn(&Root, &str, &str) -> Option<String>,
) -> Told<Option<String>> {
    let groups = root.text("/proc/self/cgroup").map_err(|_| why.clone())?;
    let own = groups.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let here = controllers.split(',').any(|name| name == controller);
        here.then(|| path.trim_end_matches('/'))
    });
    let Some(own) = own else {
        return Err(why);
    };
    let folder = format!("/sys/fs/cgroup/{controller}{own}");
    let text = root
        .text(&format!("{folder}/{file}"))
        .map_err(|one| format!("{why}, and {one}"))?;
    Ok(read(root, &folder, &text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::tests::tree;

    const MOUNT: &str = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_tightest_limit_on_the_way_up_counts() {
        let (_folder, root) = tree(&[
            ("/proc/self/mountinfo", MOUNT),
            ("/proc/self/cgroup", "0::/user.slice/mine\n"),
            ("/sys/fs/cgroup/user.slice/mine/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
            ("/sys/fs/cgroup/user.slice/mine/memory.max", "1073741824\n"),
            ("/sys/fs/cgroup/user.slice/memory.max", "4294967296\n"),
            ("/sys/fs/cgroup/user.slice/mine/pids.max", "max\n"),
            (
                "/sys/fs/cgroup/user.slice/mine/cgroup.controllers",
                "cpu memory pids\n",
            ),
        ]);
        assert_eq!(version(&root).as_deref(), Ok("2"));
        assert_eq!(cpu(&root).as_deref(), Ok("1.5 CPUs"));
        assert_eq!(memory(&root).as_deref(), Ok("1073741824"));
        assert_eq!(tasks(&root).as_deref(), Ok("none"));
        assert_eq!(controllers(&root).as_deref(), Ok("cpu memory pids"));
    }

    #[test]
    fn version_one_is_asked_where_version_two_has_no_controllers() {
        let both =
            format!("{MOUNT}31 20 0:27 / /sys/fs/cgroup/cpu rw shared:5 - cgroup cgroup rw,cpu\n");
        let (_folder, root) = tree(&[
            ("/proc/self/mountinfo", &both),
            (
                "/proc/self/cgroup",
                "5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n",
            ),
            ("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "200000\n"),
            ("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n"),
            (
                "/sys/fs/cgroup/memory/box/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ]);
        assert_eq!(version(&root).as_deref(), Ok("1 and 2 (hybrid)"));
        assert_eq!(cpu(&root).as_deref(), Ok("2 CPUs"));
        assert_eq!(memory(&root).as_deref(), Ok("none"));
        assert!(tasks(&root).is_err_and(|why| why.contains("no pids.max in cgroup v2")));
    }

    #[test]
    fn without_cgroups_each_figure_says_why() {
        let (_folder, root) = tree(&[("/proc/self/mountinfo", ""), ("/proc/self/cgroup", "")]);
        assert!(version(&root).is_err_and(|why| why.contains("no cgroup hierarchy")));
        for told in [controllers(&root), cpu(&root), memory(&root), tasks(&root)] {
            assert_eq!(told, Err("cgroup v2 is not mounted".to_owned()));
        }
        let (_folder, root) = tree(&[]);
        for told in [version(&root), controllers(&root), cpu(&root)] {
            assert!(told.is_err_and(|why| why.contains("/proc/self/mountinfo")));
        }
    }

    proptest! {
        #[test]
        fn quotas_are_shares_or_nothing(text in "(max|[0-9]{1,9}) [0-9]{1,9}") {
            let share = quota(&text);
            prop_assert!(share.is_none_or(|share| share.is_finite() && share >= 0.0));
            prop_assert!(!text.starts_with("max") || share.is_none());
        }
    }
}
