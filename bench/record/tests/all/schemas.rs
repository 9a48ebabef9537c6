//! What is written is what the schemas say: the folders that older versions have left, line by line.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let parents = [
        here.join("../report/tests/golden"),
        here.join("../../results/reference"),
    ];
    let inside = parents
        .iter()
        .flat_map(|parent| fs::read_dir(parent).expect("in the sources"));
    let folders = inside.map(|it| it.expect("readable").path());
    folders.filter(|it| it.join("run.json").exists()).collect()
}

fn validator(name: &str) -> jsonschema::Validator {
    let schema = record::schema(name).expect(name);
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn check(validator: &jsonschema::Validator, value: &Value, what: &str) {
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
}

#[test]
fn folders_of_every_version_are_valid() {
    let (run, record, summary) = (validator("run"), validator("record"), validator("summary"));
    let folders = folders();
    assert!(folders.len() >= 3);
    for folder in folders {
        let read = |name: &str| fs::read_to_string(folder.join(name));
        let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let what = |name: &str| folder.join(name).display().to_string();
        check(
            &run,
            &parsed(&read("run.json").expect("a plan")),
            &what("run.json"),
        );
        for (index, line) in read("records.jsonl").expect("records").lines().enumerate() {
            check(
                &record,
                &parsed(line),
                &format!("{} line {}", what("records.jsonl"), index + 1),
            );
        }
        if let Ok(text) = read("summary.json") {
            check(&summary, &parsed(&text), &what("summary.json"));
        }
    }
}

#[test]
fn what_is_not_a_record_is_none() {
    let record = validator("record");
    let folder = &folders()[0];
    let text = fs::read_to_string(folder.join("records.jsonl")).expect("records");
    let good: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert!(record.is_valid(&good));
    let spoilt = |path: &str, value: Value| {
        let mut spoilt = good.clone();
        *spoilt.pointer_mut(path).expect(path) = value;
        spoilt
    };
    for (path, value) in [
        ("/schema", "fiveways-record/2".into()),
        ("/outcome", "fine".into()),
        ("/round", (-1).into()),
        ("/connections/served", "all".into()),
        ("/usage", Value::Null),
    ] {
        assert!(!record.is_valid(&spoilt(path, value)), "{path}");
    }
    let mut more = good.clone();
    more["later"] = 1.into();
    assert!(record.is_valid(&more), "what later versions add is ignored");
}

#[test]
fn every_schema_says_what_it_is_of() {
    for (name, what) in record::schemas() {
        let schema = record::schema(name).expect(name);
        assert!(
            schema["title"]
                .as_str()
                .is_some_and(|it| it.ends_with(what)),
            "{schema}"
        );
        assert_eq!(schema["$id"], format!("urn:fiveways:{name}:1"));
        let described = schema["properties"]
            .as_object()
            .expect("an object")
            .values();
        let mut all = described.clone();
        assert!(
            all.all(|it| it.get("description").is_some() || it.get("$ref").is_some()),
            "{schema:#}"
        );
    }
    assert!(record::schema("no-such").is_none());
}
