//! One request of each contender, drawn by the records of `trace`, above the source that makes it.

use maud::{Markup, PreEscaped, html};

use crate::data::Data;
use crate::trace_svg;

const MEANING: &str = "A few clients, one after another, then all at once; a lane for each client, process and thread. Open one, \
    and follow a client's colour from accept to close. Time orders what is drawn and is not to scale: a traced server stops at each call.";

/// Nothing where nobody was traced.
pub(super) fn section(data: &Data<'_>) -> Markup {
    let traces = &data.results.traces;
    html! {
        @if !traces.is_empty() {
            section {
                h2 id="traces" { "Requests, drawn" }
                p.soft { (MEANING) }
                @for trace in traces {
                    details data-contender=(trace.contender) {
                        summary { (trace.contender) }
                        div.card tabindex="0" role="group" aria-label={ (trace.contender) ", a few requests drawn" } { (PreEscaped(trace_svg(trace))) }
                        @if let Some(source) = &trace.source {
                            details {
                                summary { "its source, " code { (source.path) } }
                                pre tabindex="0" { code { (source.text) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
