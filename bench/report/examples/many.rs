//! `many FOLDER [RECORDS]`: a results folder of so many invented records (5,000), to see what a report of them costs.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::path::Path;

use record::Writer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("many FOLDER [RECORDS]")?;
    let records: usize = words.next().map_or(Ok(5_000), |it| it.parse())?;
    let mut results = fixture::results();
    let (plan, passes) = (results.run.passes.clone(), results.passes.clone());
    let times = records.div_ceil(passes.len());
    let rounds = passes.iter().map(|pass| pass.round).max().unwrap_or(1);
    results.run.passes.clear();
    let offsets = (0..).step_by(rounds as usize).take(times);
    for offset in offsets.clone() {
        let later = plan.iter().cloned().map(|mut it| {
            it.round += offset;
            it
        });
        results.run.passes.extend(later);
    }
    let scenarios = &mut results.run.suite.scenarios;
    scenarios
        .iter_mut()
        .for_each(|it| it.rounds = rounds * times as u32);
    let mut writer = Writer::create(Path::new(&folder), &results.run)?;
    for offset in offsets {
        for pass in &passes {
            let mut pass = pass.clone();
            pass.round += offset;
            writer.append(std::slice::from_ref(&pass))?;
        }
    }
    println!("{}", times * passes.len());
    Ok(())
}
