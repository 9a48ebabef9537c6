//! Predictions as people type them: a line a question. On a terminal what cannot be meant is asked for again; from a pipe
//! it is an error, for nobody is there to be asked.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use record::Prediction;
use report::{Ask, Kind, Language, Lesson};

use crate::drive::failure::Failure;

/// Every prediction of a lesson.
///
/// # Errors
/// When the input ends before the last, or one cannot be meant and nobody can be asked again.
pub fn all(
    lesson: &Lesson,
    language: Language,
    columns: usize,
    again: bool,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> Result<BTreeMap<String, Prediction>, Failure> {
    let mut predictions = BTreeMap::new();
    for ask in &lesson.asks {
        // Whoever cannot be told is not there to answer either: the input will end.
        let _ = write!(to, "\n{}\n> ", ask.asked(language, columns).join("\n"));
        let _ = to.flush();
        let prediction = loop {
            let line = line(from).map_err(|cause| unanswered(lesson, ask, &cause))?;
            match prediction(ask.kind(), &line) {
                Ok(prediction) => break prediction,
                Err(problem) if again => {
                    let _ = write!(to, "{problem}\n> ");
                    let _ = to.flush();
                }
                Err(problem) => {
                    let said = format!("`{}` cannot be predicted so", ask.name);
                    return Err(Failure::usage(said, problem).hint(by_file(lesson)));
                }
            }
        };
        predictions.insert(ask.name.clone(), prediction);
    }
    Ok(predictions)
}

/// The next line; why there is none.
fn line(from: &mut impl BufRead) -> Result<String, String> {
    let mut bytes = Vec::new();
    match from.read_until(b'\n', &mut bytes) {
        Ok(0) => Err("the input ended before it".to_owned()),
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn unanswered(lesson: &Lesson, ask: &Ask, cause: &str) -> Failure {
    Failure::usage(
        format!(
            "`{}` of lesson {} was not predicted",
            ask.name, lesson.number
        ),
        cause,
    )
    .hint(by_file(lesson))
}

fn by_file(lesson: &Lesson) -> String {
    let number = lesson.number;
    format!(
        "fiveways lesson {number} --form >mine.toml, fill it in, fiveways lesson {number} --answers mine.toml"
    )
}

/// One line as a prediction of this kind.
///
/// # Errors
/// What is wrong, as a sentence.
fn prediction(kind: Kind<'_>, line: &str) -> Result<Prediction, String> {
    match kind {
        Kind::Order(who) => order(who, line).map(Prediction::Order),
        Kind::Number | Kind::Factor => number(line).map(Prediction::Number),
    }
}

/// `3.5`, `3,5`, `3.5 x`, `3.5 ×`.
fn number(line: &str) -> Result<f64, String> {
    let text = line.trim().trim_end_matches(['x', 'X', '×']).trim_end();
    let text = text.replacen(',', ".", 1);
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ if text.is_empty() => Err("A number is asked for, as in 3.5.".to_owned()),
        _ => Err(format!(
            "`{}` is no number from 0 on; as in 3.5.",
            report::printable(line.trim())
        )),
    }
}

/// All of `who`, each once, by number or by name, with spaces, commas or signs between.
fn order(who: &[String], line: &str) -> Result<Vec<String>, String> {
    let words = line.split(|c: char| c.is_whitespace() || ",;>,、;".contains(c));
    let mut order: Vec<String> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let name = meant(who, word)?;
        if order.contains(name) {
            return Err(format!("{name} stands twice."));
        }
        order.push(name.clone());
    }
    let missing: Vec<&str> = who
        .iter()
        .filter(|name| !order.contains(name))
        .map(String::as_str)
        .collect();
    match missing.is_empty() {
        true => Ok(order),
        false => Err(format!(
            "{} is missing: all of them are to be put in order.",
            missing.join(", ")
        )),
    }
}

fn meant<'a>(who: &'a [String], word: &str) -> Result<&'a String, String> {
    let by_number = word
        .parse::<usize>()
        .ok()
        .and_then(|number| who.get(number.checked_sub(1)?));
    if let Some(name) = by_number.or_else(|| who.iter().find(|name| *name == word)) {
        return Ok(name);
    }
    let near = record::nearest(word, who.iter().map(String::as_str));
    let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!(
        "`{}` is none of them{near}",
        report::printable(word)
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lesson() -> &'static Lesson {
        report::lesson(5).expect("ten of them")
    }

    fn who() -> &'static [String] {
        match lesson().asks[0].kind() {
            Kind::Order(who) => who,
            _ => unreachable!("an order"),
        }
    }

    proptest! {
        #[test]
        fn any_order_is_read_in_any_writing(
            order in Just((1..=who().len()).collect::<Vec<usize>>()).prop_shuffle(),
            by_name in proptest::collection::vec(any::<bool>(), 5),
            between in prop_oneof![Just(" "), Just(", "), Just(" > "), Just(",")],
        ) {
            let words = order.iter().zip(&by_name).map(|(number, by_name)| match by_name {
                true => who()[number - 1].clone(),
                false => number.to_string(),
            });
            let line = words.collect::<Vec<String>>().join(between);
            let expected: Vec<String> = order.iter().map(|number| who()[number - 1].clone()).collect();
            prop_assert_eq!(super::order(who(), &line), Ok(expected));
        }

        #[test]
        fn whatever_is_typed_is_an_order_of_all_or_a_sentence(line in "\\PC*|[0-9 ,>]*") {
            match super::order(who(), &line) {
                Ok(mut order) => {
                    order.sort();
                    prop_assert_eq!(order, who());
                }
                Err(problem) => prop_assert!(!problem.is_empty()),
            }
        }

        #[test]
        fn whatever_is_typed_is_a_number_or_a_sentence(line in "\\PC*|-?[0-9.,]{0,9} ?[x×]?") {
            match super::number(&line) {
                Ok(number) => prop_assert!(number.is_finite() && number >= 0.0),
                Err(problem) => prop_assert!(!problem.is_empty()),
            }
        }

        #[test]
        fn numbers_are_read_as_they_are_written(number in 0.0_f64..1e9, sign in prop_oneof![Just(""), Just("x"), Just(" ×")]) {
            prop_assert_eq!(super::number(&format!(" {number}{sign}\n")), Ok(number));
        }
    }

    #[test]
    fn on_a_terminal_it_is_asked_again_and_elsewhere_it_is_an_error() {
        let typed = "nobody\n1 2 3\n5 4 3 2 1\nmany\n2,5\n3x\n";
        let mut shown = Vec::new();
        let ask = |again, typed: &str, shown: &mut Vec<u8>| {
            all(
                lesson(),
                Language::English,
                80,
                again,
                &mut typed.as_bytes(),
                shown,
            )
        };
        let Ok(predictions) = ask(true, typed, &mut shown) else {
            panic!("{}", String::from_utf8_lossy(&shown));
        };
        assert_eq!(predictions["processes"], Prediction::Number(2.5));
        assert_eq!(predictions["threads"], Prediction::Number(3.0));
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert!(
            shown.contains("`nobody` is none of them") && shown.contains("is missing"),
            "{shown}"
        );
        assert!(ask(false, typed, &mut Vec::new()).is_err());
        assert!(
            ask(true, "5 4 3 2 1\n", &mut Vec::new()).is_err(),
            "the input ended"
        );
    }
}
