//! The sources of our models, compiled in: a student reads what is measured. The table of models is read as text, for
//! the instrument knows no model as code.

/// The table of models: name, family, sentence, and the module that serves.
const TABLE: &str = include_str!("../../../../servers/src/models.rs");

/// Module and source.
const SOURCES: &[(&str, &str)] = &[
    (
        "cluster",
        include_str!("../../../../servers/src/models/cluster.rs"),
    ),
    (
        "cluster_listener",
        include_str!("../../../../servers/src/models/cluster_listener.rs"),
    ),
    (
        "event_loop",
        include_str!("../../../../servers/src/models/event_loop.rs"),
    ),
    (
        "event_offload",
        include_str!("../../../../servers/src/models/event_offload.rs"),
    ),
    (
        "fork_per_connection",
        include_str!("../../../../servers/src/models/fork_per_connection.rs"),
    ),
    (
        "io_uring",
        include_str!("../../../../servers/src/models/io_uring.rs"),
    ),
    (
        "iterative",
        include_str!("../../../../servers/src/models/iterative.rs"),
    ),
    (
        "prefork",
        include_str!("../../../../servers/src/models/prefork.rs"),
    ),
    (
        "rayon_pool",
        include_str!("../../../../servers/src/models/rayon_pool.rs"),
    ),
    (
        "thread_per_connection",
        include_str!("../../../../servers/src/models/thread_per_connection.rs"),
    ),
    (
        "thread_pool",
        include_str!("../../../../servers/src/models/thread_pool.rs"),
    ),
    (
        "thread_pool_accept",
        include_str!("../../../../servers/src/models/thread_pool_accept.rs"),
    ),
    (
        "thread_pool_dispatch",
        include_str!("../../../../servers/src/models/thread_pool_dispatch.rs"),
    ),
    (
        "tokio",
        include_str!("../../../../servers/src/models/tokio.rs"),
    ),
];

/// A model of ours.
#[derive(Clone, Debug)]
pub struct Model {
    /// As `echo-server --list` says it.
    pub name: String,
    /// Likewise.
    pub family: String,
    /// Likewise.
    pub sentence: String,
    /// In the repository.
    pub path: String,
    /// All of it.
    pub source: &'static str,
}

impl Model {
    /// What its source opens with: drawings as they are, fenced for rustdoc; prose in paragraphs, a line each.
    pub fn header(&self) -> Vec<String> {
        let lines = self.source.lines();
        let lines = lines.map_while(|line| line.strip_prefix("//!"));
        let (mut out, mut drawing) = (Vec::<String>::new(), false);
        for line in lines.map(|line| line.strip_prefix(' ').unwrap_or(line)) {
            if line.starts_with("```") {
                drawing = !drawing;
                continue;
            }
            let begins = line.is_empty() || line.starts_with("- ");
            match out.last_mut() {
                Some(last) if !drawing && !begins && !last.is_empty() => {
                    last.push(' ');
                    last.push_str(line.trim_start());
                }
                _ => out.push(line.to_owned()),
            }
        }
        out
    }
}

/// Every model, in the order of the table.
fn models() -> impl Iterator<Item = Model> {
    TABLE.lines().filter_map(|line| {
        let row = line.trim().strip_prefix("Model { name:")?;
        let field = |name: &str| {
            let (_, rest) = row.split_once(name)?;
            Some(rest.split('"').nth(1)?.to_owned())
        };
        let (_, serve) = row.split_once("serve: ")?;
        let module = serve.trim_start_matches("|server| ").split("::").next()?;
        let (module, source) = SOURCES.iter().find(|(known, _)| *known == module)?;
        Some(Model {
            name: row.split('"').nth(1)?.to_owned(),
            family: field("family:")?,
            sentence: field("sentence:")?,
            path: format!("servers/src/models/{module}.rs"),
            source,
        })
    })
}

/// Their names.
pub fn names() -> impl Iterator<Item = String> {
    models().map(|model| model.name)
}

/// One of them.
pub fn of_model(name: &str) -> Option<Model> {
    models().find(|model| model.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_its_source_its_drawing_and_its_text() {
        let rows = TABLE
            .lines()
            .filter(|line| line.trim().starts_with("Model { name:"));
        assert_eq!(models().count(), rows.count());
        assert!(models().count() >= 25);
        for model in models() {
            let header = model.header();
            assert!(header.len() > 6, "{}", model.name);
            assert!(
                header
                    .iter()
                    .any(|line| line.contains('►') || line.contains('─')),
                "{}",
                model.name
            );
            assert!(
                header
                    .iter()
                    .any(|line| ["pays", "cost"].iter().any(|word| line.contains(word))),
                "{}",
                model.name
            );
            let text = report::model_text(&model.name);
            assert!(
                text.is_some_and(|text| !text.reading.is_empty()),
                "{}",
                model.name
            );
        }
    }
}
