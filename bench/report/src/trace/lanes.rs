//! svg
/// svg
pub fn trace_svg(_trace: &record::Trace) -> String {
    String::new()
}
