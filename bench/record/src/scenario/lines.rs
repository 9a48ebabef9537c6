//! Which scenarios are one line of a chart: those of which all is alike but for what the line is drawn over. Each key holds
//! the rest.

use super::Scenario;
use crate::workload::Pace;

impl Scenario {
    /// The key under which scenarios that differ in `connections` alone are one line of a chart.
    pub fn line(&self) -> String {
        let Scenario { work, workers, .. } = self;
        format!("{:?} {work} {workers:?} {}", self.pace, self.conditions())
    }

    /// The key under which scenarios that differ in `work` alone are one line of a chart.
    pub fn work_line(&self) -> String {
        let Scenario { pace, workers, .. } = self;
        let clients = self.connections;
        format!("{pace:?} {clients} {workers:?} {}", self.conditions())
    }

    /// The key under which scenarios that differ in `workers` alone are one line of a chart.
    pub fn workers_line(&self) -> String {
        let Scenario { pace, work, .. } = self;
        format!("{pace:?} {} {work} {}", self.connections, self.conditions())
    }

    /// The key under which scenarios that differ in their rate alone are one line of a chart.
    pub fn rate_line(&self) -> String {
        let pace = match self.pace {
            Pace::Closed => "closed",
            Pace::Constant(_) => "constant",
            Pace::Poisson(_) => "poisson",
            Pace::OfSlowest(_) => "of-slowest",
            Pace::OfOwn(_) => "of-own",
        };
        let Scenario { work, workers, .. } = self;
        let clients = self.connections;
        format!("{pace} {clients} {work} {workers:?} {}", self.conditions())
    }

    /// The key under which scenarios that differ in `touch` alone are one line of a chart.
    pub fn touch_line(&self) -> String {
        let other = Scenario {
            touch: None,
            ..self.clone()
        };
        other.alike()
    }

    /// The key under which scenarios that differ in `server_cpus` alone are one line of a chart.
    pub fn cores_line(&self) -> String {
        let other = Scenario {
            server_cpus: 1,
            ..self.clone()
        };
        other.alike()
    }

    /// The key under which scenarios that differ in `idle` alone belong together.
    pub fn bystanders_line(&self) -> String {
        let other = Scenario {
            idle: 0,
            ..self.clone()
        };
        other.alike()
    }

    /// Everything that a server is asked for.
    fn alike(&self) -> String {
        format!("{} {}", self.connections, self.line())
    }

    /// Everything that two scenarios of any line have in common.
    fn conditions(&self) -> String {
        let Scenario {
            workload,
            message,
            depth,
            per_connection,
            think,
            keep_awake,
            ..
        } = self;
        let Scenario {
            state,
            touch,
            server_cpus,
            idle,
            placement,
            timeout,
            fault,
            network,
            ..
        } = self;
        format!(
            "{workload:?} {message} {depth} {per_connection} {think:?} {keep_awake} {state:?} {touch:?} \
             {server_cpus} {idle} {placement:?} {timeout:?} {fault:?} {network:?}"
        )
    }
}
