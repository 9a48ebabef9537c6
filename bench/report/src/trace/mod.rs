//! Draws traces.
/// text
pub fn trace_text(trace: &record::Trace) -> String {
    format!("{:?}", trace.outcome)
}
/// svg
pub fn trace_svg(_trace: &record::Trace) -> String {
    String::new()
}
