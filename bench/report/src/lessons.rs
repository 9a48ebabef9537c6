//! Lessons: a question, predictions, and only then the measurement; what was predicted beside what came, a score, and why.
//!
//! Goals: texts and what decides are data (`bench/lessons.toml`), scores a pure function of plan and records, so that a
//! teacher's folder of old answers is scored anew by drawing it again. It pays by asking only what one run of a few
//! minutes tells apart: pairs that it does not are nobody's mistake. It ends at the score: what it is worth is the teacher's
//! business.
//!
//! | question | where |
//! |---|---|
//! | what is asked, of which figures, and why it is so | `texts` |
//! | what a prediction is worth | `score` |
//! | what somebody is told who has answered | `told` |
//! | the same on the page, and in Markdown | `page` |
//! | a class on one page | `class` |

pub(crate) mod class;
pub(crate) mod page;
mod score;
mod texts;
pub(crate) mod told;

pub use class::{Class, class};
pub use score::check;
pub use texts::{Ask, Kind, Lesson, lesson, lessons};
pub use told::lesson_text;

pub(crate) use score::answers;
