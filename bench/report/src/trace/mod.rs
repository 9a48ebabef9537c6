//! Traces, drawn: a sequence for a terminal, swim lanes for a page or a slide. Both tell the same story, made of
//! the record alone: who calls what (`events`), who woke whom (`wakes`), in which words (`words`), part by part
//! (`parts`). Time orders what is drawn; it is not to scale, because a trace's own stops are most of it.

mod events;
mod lanes;
mod layout;
mod parts;
mod sequence;
mod slowed;
mod wakes;
mod words;

#[cfg(test)]
mod tests;

pub use lanes::trace_svg;
pub use sequence::trace_text;
